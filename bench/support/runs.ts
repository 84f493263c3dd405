import { readdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { execa } from 'execa'
import type { Event } from '../../src/graph/event.ts'
import { byCodeUnit } from '../../src/util/json.ts'
import { pythonCommand, PYTHON_ENV, script } from './python.ts'

type EventOf<T extends Event['type']> = Extract<Event, { type: T }>

export interface FinishedRun {
  /** By split and name. */
  readonly metrics: Readonly<Record<string, Readonly<Record<string, number>>>>
  readonly epochs: readonly EventOf<'epochDone'>[]
  readonly stages: readonly EventOf<'stageDone'>[]
}

/** `pipeline run` as a process, in the folder `work`, of a file made of `yaml`. */
export async function runPipeline(
  work: string,
  yaml: string,
  options: readonly string[] = [],
): Promise<FinishedRun> {
  const file = join(work, 'pipeline.yaml')
  writeFileSync(file, yaml)
  const main = fileURLToPath(new URL('../../src/main.js', import.meta.url))
  const args = [main, 'run', file, '--json', '--log', 'json', ...options]
  const { stdout, stderr } = await execa(process.execPath, args, { cwd: work })
  const events = stderr
    .split('\n')
    .filter((line) => line.startsWith('{'))
    .map((line) => JSON.parse(line) as Event)
  const of = <T extends Event['type']>(type: T) =>
    events.filter((event): event is EventOf<T> => event.type === type)
  const { metrics } = JSON.parse(stdout) as Pick<FinishedRun, 'metrics'>
  return { metrics, epochs: of('epochDone'), stages: of('stageDone') }
}

/** What Keras came to in bench/keras_finetune.py, an entry an epoch. */
export interface KerasHistory {
  readonly accuracy: readonly number[]
  readonly valAccuracy: readonly number[]
  readonly seconds: readonly number[]
}

/** `settings` are the arguments of its `finetune`. */
export async function kerasFinetune(
  settings: Readonly<Record<string, unknown>>,
): Promise<KerasHistory> {
  const args = [script('keras_finetune.py'), JSON.stringify(settings)]
  const { stdout } = await execa(pythonCommand(), args, { env: PYTHON_ENV })
  return JSON.parse(stdout.split('\n').at(-1)!) as KerasHistory
}

/** The first classes of a folder that has a folder for each, as the index orders them. */
export function classesOf(folder: string, most = Infinity): string[] {
  const names = readdirSync(folder, { withFileTypes: true })
    .filter((entry) => entry.isDirectory())
    .map(({ name }) => name)
  return names.sort(byCodeUnit).slice(0, most)
}

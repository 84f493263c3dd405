import {
  chmodSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { until } from './slurm.ts'

export interface FakeSettings {
  readonly maxArraySize: number
  /** `lose`: ids are given, and the jobs forgotten. */
  readonly mode: 'run' | 'lose'
  /** So often the controller does not answer first. */
  readonly busy: number
}

export interface FakeTask {
  readonly job: string
  readonly index: number
  readonly state: 'PENDING' | 'RUNNING' | 'COMPLETED' | 'FAILED'
  readonly script: string
  readonly log: string
  readonly pid: number
}

/** Programs called sbatch, squeue and scontrol that say what Slurm's own say, and run arrays here. */
export interface FakeSlurm {
  readonly env: NodeJS.ProcessEnv
  set(settings: Partial<FakeSettings>): void
  /** Jobs wait in the queue until it is released. */
  hold(): void
  release(): void
  /** The arguments of each submission so far. */
  calls(): string[][]
  tasks(): FakeTask[]
  /** Resolves once no task is pending or runs. */
  settled(): Promise<void>
}

const CHILD = fileURLToPath(new URL('fake-slurm-child.js', import.meta.url))

export function fakeSlurm(folder: string): FakeSlurm {
  const path = (...parts: string[]) => join(folder, ...parts)
  mkdirSync(path('jobs'), { recursive: true })
  mkdirSync(path('bin'))
  for (const program of ['sbatch', 'squeue', 'scontrol']) {
    const words = [process.execPath, CHILD, folder, program].map((word) => `'${word}'`)
    writeFileSync(path('bin', program), `#!/bin/sh\nexec ${words.join(' ')} "$@"\n`)
    chmodSync(path('bin', program), 0o755)
  }
  let settings: FakeSettings = { maxArraySize: 1001, mode: 'run', busy: 0 }
  const set: FakeSlurm['set'] = (more) => {
    settings = { ...settings, ...more }
    writeFileSync(path('settings.json'), JSON.stringify(settings))
  }
  set({})
  const tasks = (): FakeTask[] =>
    readdirSync(path('jobs'), { recursive: true, encoding: 'utf8' })
      .filter((name) => name.endsWith('.json'))
      .flatMap((name) => {
        try {
          return [JSON.parse(readFileSync(path('jobs', name), 'utf8')) as FakeTask]
        } catch {
          return [] // Being written.
        }
      })
  const isOver = () => tasks().every(({ state }) => state === 'COMPLETED' || state === 'FAILED')
  return {
    env: { PATH: `${path('bin')}:${process.env['PATH']}` },
    set,
    hold: () => writeFileSync(path('hold'), ''),
    release: () => rmSync(path('hold')),
    calls: () =>
      existsSync(path('calls.jsonl'))
        ? readFileSync(path('calls.jsonl'), 'utf8')
            .trim()
            .split('\n')
            .map((line) => JSON.parse(line) as string[])
        : [],
    tasks,
    settled: async () => {
      if (!(await until(isOver, 120_000))) throw new Error(JSON.stringify(tasks(), null, 2))
    },
  }
}

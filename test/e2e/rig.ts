import { spawn, type ChildProcess } from 'node:child_process'
import { readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { cp, mkdir, mkdtemp, realpath, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { stringify } from 'yaml'
import type { Event } from '../../src/graph/event.ts'
import type { RunRecord } from '../../src/runs/record.ts'
import type { PredictionLine } from '../../src/stages/evaluate.ts'
import { digestOf } from '../../src/util/digest.ts'
import { ROOT } from '../support/paths.ts'
import { writePictures, type PictureOptions } from './pictures.ts'
import { writeTrunk } from './weights.ts'

/** End to end: the real binary in a temporary project. What it did is read from `--log json`, never from a screen. */
export const MAIN = join(ROOT, 'dist/src/main.js')

export type Settings = { readonly [key: string]: unknown }
export type LoggedEvent = Event & { readonly time: string }

export interface Outcome {
  readonly code: number | null
  readonly signal: NodeJS.Signals | null
  readonly stdout: string
  readonly stderr: string
}

/** A run with its result (`--json`) and its events (`--log json`). */
export interface RunOutcome extends Outcome {
  readonly result: RunResult
  readonly events: readonly LoggedEvent[]
}

/** What `run --json` promises (spec: cli.md). */
export interface RunResult extends Pick<
  RunRecord,
  'status' | 'seed' | 'stages' | 'epochs' | 'metrics' | 'parameters' | 'warnings' | 'engine'
> {
  readonly run: { readonly name: string; readonly id: string; readonly dir: string }
}

export interface Running {
  readonly process: ChildProcess
  readonly ended: Promise<Outcome>
  /** Resolves with the first event that fits; rejects when the process ends without one. */
  event(wants: (event: LoggedEvent) => boolean): Promise<LoggedEvent>
}

export interface Project extends AsyncDisposable {
  /** The folder that holds everything: `pictures/`, `store/`, `pipeline.yaml`, `runs/`. */
  readonly path: string
  readonly store: string
  readonly env: NodeJS.ProcessEnv
  /** Writes the pipeline file: the little one of all tests with these settings put over it. */
  configure(settings?: Settings, file?: string): void
  /** The same with another base model in place of the little one, at the size that it was made for. */
  configureModel(baseModel: Settings, settings?: Settings): void
  /** Writes a pipeline file of these settings alone. */
  write(settings: Settings, file?: string): void
  start(args: readonly string[], options?: StartOptions): Running
  /** Runs the command to its end. */
  pipeline(args: readonly string[], options?: StartOptions): Promise<Outcome>
  /** `pipeline run pipeline.yaml --json --log json ARGS`; throws with the whole stderr unless it ends with 0. */
  run(...args: readonly string[]): Promise<RunOutcome>
  /** A project with the same pictures, store and runs in another folder. */
  copy(): Promise<Project>
}

export interface StartOptions {
  readonly env?: NodeJS.ProcessEnv
  readonly cwd?: string
  /** In a process group of its own, as a shell starts it: signals then reach its children too. */
  readonly detached?: boolean
  readonly uid?: number
}

export async function createProject(
  settings: Settings = {},
  pictures: PictureOptions | false = {},
): Promise<Project> {
  const path = await realpath(await mkdtemp(join(tmpdir(), 'graft-e2e-')))
  if (pictures) await writePictures(join(path, 'pictures'), pictures)
  await writeTrunk(join(path, 'trunk.h5'), TRUNK)
  const project = projectAt(path)
  project.configure(settings)
  return project
}

function projectAt(path: string): Project {
  const store = join(path, 'store')
  const env = environmentOf(store)
  const write: Project['write'] = (settings, file = 'pipeline.yaml') => {
    writeFileSync(join(path, file), stringify(settings))
  }
  const start: Project['start'] = (args, options = {}) => startPipeline(args, env, path, options)
  return {
    path,
    store,
    env,
    configure: (settings = {}, file) => write(merged(LITTLE, settings), file),
    configureModel: (baseModel, settings = {}) => {
      const sized = merged({ ...LITTLE, baseModel }, { dataset: { imageSize: null } })
      write(merged(sized, settings))
    },
    write,
    start,
    pipeline: (args, options) => start(args, options).ended,
    run: async (...args) => {
      const command = ['run', 'pipeline.yaml', '--json', '--log', 'json', ...args]
      const outcome = await start(command).ended
      if (outcome.code !== 0) {
        throw new Error(
          `pipeline ${command.join(' ')} ended with ${outcome.code}: ${outcome.stderr}`,
        )
      }
      const events = eventsOf(outcome.stderr)
      return { ...outcome, events, result: JSON.parse(outcome.stdout) as RunResult }
    },
    copy: async () => {
      const to = await realpath(await mkdtemp(join(tmpdir(), 'graft-e2e-')))
      await cp(path, to, { recursive: true, preserveTimestamps: true })
      return projectAt(to)
    },
    [Symbol.asyncDispose]: () => rm(path, { recursive: true, force: true }),
  }
}

const TRUNK = {
  name: 'MobileNetV2',
  includeTop: false,
  pooling: 'none',
  alpha: 0.35,
  inputShape: [32, 32, 3],
} as const

/** The end of a head. */
export const CLASSES = { Dense: { units: 'classes', activation: 'softmax' } } as const

/** Trains in a second: a narrow trunk and small pictures. */
const LITTLE: Settings = {
  name: 'little',
  seed: 1,
  engine: 'wasm',
  dataset: {
    source: { path: 'pictures' },
    splits: { train: 'train', validation: { from: 'train', fraction: 0.25 }, test: 'test' },
    imageSize: [32, 32],
  },
  baseModel: { name: 'MobileNetV2', alpha: 0.35, weights: 'trunk.h5' },
  head: ['GlobalAveragePooling2D', CLASSES],
  optimizer: { name: 'Adam', learningRate: 0.002 },
  training: { epochs: 3, batchSize: 8 },
}

/** `null` takes a key away. */
function merged(base: Settings, over: Settings): Settings {
  const result: Record<string, unknown> = { ...base }
  for (const [key, value] of Object.entries(over)) {
    const below = base[key]
    if (value === null) delete result[key]
    else if (isSettings(value) && isSettings(below)) result[key] = merged(below, value)
    else result[key] = value
  }
  return result
}

function isSettings(value: unknown): value is Settings {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

/** Nothing of the person who runs the tests reaches the child but where programs and the native engine are. */
function environmentOf(store: string): NodeJS.ProcessEnv {
  const kept = ['PATH', 'HOME', 'XDG_CACHE_HOME', 'GRAFT_ENGINES', 'GRAFT_LIBTENSORFLOW']
  const env: NodeJS.ProcessEnv = { GRAFT_STORE: store }
  for (const name of kept) if (process.env[name] !== undefined) env[name] = process.env[name]
  return env
}

function startPipeline(
  args: readonly string[],
  env: NodeJS.ProcessEnv,
  cwd: string,
  options: StartOptions,
): Running {
  const child = spawn(process.execPath, [MAIN, ...args], {
    cwd: options.cwd ?? cwd,
    env: { ...env, ...options.env },
    detached: options.detached ?? false,
    stdio: ['ignore', 'pipe', 'pipe'],
    ...(options.uid === undefined ? {} : { uid: options.uid, gid: options.uid }),
  })
  let stdout = ''
  let stderr = ''
  let rest = ''
  const seen: LoggedEvent[] = []
  const waiting: { wants: (event: LoggedEvent) => boolean; tell: (event: LoggedEvent) => void }[] =
    []
  child.stdout.setEncoding('utf8').on('data', (text: string) => (stdout += text))
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    stderr += text
    const lines = (rest + text).split('\n')
    rest = lines.pop()!
    for (const event of eventsOf(lines.join('\n'))) {
      seen.push(event)
      for (const { wants, tell } of waiting) if (wants(event)) tell(event)
    }
  })
  const ended = new Promise<Outcome>((resolve, reject) => {
    child.on('error', reject)
    child.on('close', (code, signal) => resolve({ code, signal, stdout, stderr }))
  })
  return {
    process: child,
    ended,
    event: (wants) =>
      new Promise((resolve, reject) => {
        const there = seen.find(wants)
        if (there) resolve(there)
        waiting.push({ wants, tell: resolve })
        void ended.then(() => reject(new Error(`it ended without that event:\n${stderr}`)))
      }),
  }
}

/** The events among the lines of a stderr; diagnostics are lines of text. */
export function eventsOf(stderr: string): LoggedEvent[] {
  return stderr
    .split('\n')
    .filter((line) => line.startsWith('{'))
    .map((line) => JSON.parse(line) as LoggedEvent)
}

/** Stages that were computed, sorted by their ids. */
export function computed(events: readonly LoggedEvent[]): string[] {
  return events.flatMap((e) => (e.type === 'stageDone' && !e.cached ? [e.stage] : [])).sort()
}

export function startedStages(events: readonly LoggedEvent[]): string[] {
  return events.flatMap((e) => (e.type === 'stageStarted' ? [e.stage] : [])).sort()
}

/** Every file below the folder with its bytes, by POSIX path. */
export function filesOf(folder: string): Map<string, Buffer> {
  const files = readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name))
    .sort()
  return new Map(files.map((path) => [path.slice(folder.length + 1), readFileSync(path)]))
}

/** What must be equal when a run is repeated: the model, the predictions, and the epochs without their times. */
export function essence(project: Project, { run, epochs, metrics }: RunResult) {
  const files = filesOf(join(project.path, run.dir))
  return {
    model: digestOf(files.get('model/model.safetensors')!),
    description: files.get('model/model.json')!.toString(),
    predictions: files.get('predictions.jsonl')!.toString(),
    history: files.get('metrics.jsonl')!.toString(),
    index: files.get('index.jsonl')!.toString(),
    epochs: epochs.map((epoch) => ({ ...epoch, seconds: 0 })),
    metrics,
  }
}

/** What `evaluate` wrote of the test pictures of the run in a folder of the project. */
export function evaluated({ path }: Pick<Project, 'path'>, dir: string): PredictionLine[] {
  const lines = readFileSync(join(path, dir, 'predictions.jsonl'), 'utf8')
    .trim()
    .split('\n')
  return lines.map((line) => JSON.parse(line) as PredictionLine)
}

export async function emptyFolder(path: string): Promise<string> {
  await rm(path, { recursive: true, force: true })
  await mkdir(path, { recursive: true })
  return path
}

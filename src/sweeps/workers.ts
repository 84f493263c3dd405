import { spawn, type ChildProcess } from 'node:child_process'
import { createInterface } from 'node:readline'
import { failure, PipelineError, type Diagnostic } from '../util/diagnostic.ts'
import { deviceOf } from './gpus.ts'
import type { SweepEvent } from './event.ts'

export interface WorkersOptions {
  readonly workers: number
  readonly workerCommand: readonly string[]
  /** As CUDA names them; with several each worker has one of its own. */
  readonly gpus: readonly string[]
  readonly signal: AbortSignal
  readonly emit: (event: SweepEvent) => void
}

/** A worker that dies is replaced while there is work, but not for ever: what kills it may be here to stay. */
const MOST_DEATHS = 10

/**
 * Runs the sweep in several processes. They share the work through the folder; this one only hears their events, replaces
 * those that die, and passes a signal on. Throws the signal's reason, or what a worker ended with.
 */
export async function runWorkers(options: WorkersOptions): Promise<void> {
  const { workers, signal } = options
  let deaths = 0
  const keepOne = async (slot: number): Promise<void> => {
    for (;;) {
      signal.throwIfAborted()
      const how = await runOne(slot, options)
      if (how === undefined) return
      signal.throwIfAborted()
      deaths += 1
      if (deaths > MOST_DEATHS) {
        throw failure('STAGE_FAILED', `workers of the sweep end again and again, the last ${how}`, {
          hint: 'try --jobs 1, which shows what they die of',
        })
      }
    }
  }
  const all = await Promise.allSettled(Array.from({ length: workers }, (_, i) => keepOne(i)))
  const broken = all.find((one) => one.status === 'rejected')
  if (broken) throw broken.reason
}

/** Resolves once the worker has ended: undefined where it found no more work, else how it died. */
async function runOne(slot: number, options: WorkersOptions): Promise<string | undefined> {
  const { workerCommand, signal, emit } = options
  const [program = '', ...args] = workerCommand
  // In a group of its own: Ctrl-C reaches it once, through this process; the channel tells it when this process is gone.
  const child = spawn(program, args, {
    stdio: ['ignore', 'ignore', 'pipe', 'ipc'],
    detached: true,
    env: { ...process.env, ...deviceOf(slot, options.gpus) },
  })
  const stop = () => void child.kill('SIGTERM')
  signal.addEventListener('abort', stop, { once: true })
  try {
    const [how, failed] = await Promise.all([ended(child), hear(child, emit)])
    if (how === undefined || signal.aborted) return undefined
    if (failed) throw new PipelineError(failed)
    emit({ type: 'workerEnded', pid: child.pid ?? 0, how })
    return how
  } finally {
    signal.removeEventListener('abort', stop)
  }
}

function ended(child: ChildProcess): Promise<string | undefined> {
  return new Promise((resolve, reject) => {
    child.on('error', reject)
    child.on('close', (code, signal) => {
      resolve(code === 0 ? undefined : signal ? `by ${signal}` : `with exit code ${code}`)
    })
  })
}

/** Its events, one JSON object a line; any other line is none of ours (a library's). Returns what it failed with. */
async function hear(
  child: ChildProcess,
  emit: (event: SweepEvent) => void,
): Promise<readonly Diagnostic[] | undefined> {
  let failed: readonly Diagnostic[] | undefined
  for await (const line of createInterface({ input: child.stderr! })) {
    const event = eventOf(line)
    if (event?.type === 'workerFailed') failed = event.diagnostics
    else if (event) emit(event)
  }
  return failed
}

function eventOf(line: string): SweepEvent | undefined {
  if (!line.startsWith('{')) return undefined
  try {
    const { time: _, ...event } = JSON.parse(line) as SweepEvent & { readonly time: string }
    return event as SweepEvent
  } catch {
    return undefined
  }
}

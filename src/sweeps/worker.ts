import { setTimeout as sleep } from 'node:timers/promises'
import type { Event } from '../graph/event.ts'
import { ownerText, self } from '../graph/owner.ts'
import { prepare } from '../runs/prepare.ts'
import type { Figures } from '../runs/record.ts'
import { runPipeline, type RunOptions } from '../runs/run.ts'
import { exitCode, PipelineError } from '../util/diagnostic.ts'
import type { Digest } from '../util/digest.ts'
import { doneLine } from './done-line.ts'
import { medianDecision } from './early/median.ts'
import type { SweepEvent } from './event.ts'
import { forcedStages } from './forced.ts'
import { nextTrial, type Next } from './next.ts'
import { withEpochs, type Sweep, type Trial } from './sweep.ts'
import { readTrial, type TrialClaim, type TrialFolder, type TrialLine } from './trial-folder.ts'
import { stateOf, valuesOf } from './trial-state.ts'
import { folderOf, readFolders } from './trials.ts'

export interface WorkOptions extends Omit<RunOptions, 'emit'> {
  readonly offline: boolean
  readonly verbose: boolean
  /** Only these trials are run. */
  readonly only?: ReadonlySet<string> | undefined
  /** Ends where all that is left is in the hands of others, without waiting for what becomes of them: it may cost a GPU. */
  readonly leavesRest?: boolean | undefined
  readonly emit: (event: SweepEvent) => void
}

/** How often a worker looks whether others have finished. */
const LOOK_MS = 300
/** A trial whose process has died so often without finishing an epoch is not tried again. */
const MOST_LOST = 3

/**
 * Runs the trials that are open, one after the other, until none is left: other processes and machines that work on the same
 * folder take some of them, and what those leave behind when they die is taken over. Throws the signal's reason, and what
 * would fail every trial: a full disk, a missing engine or tool.
 */
export async function work(first: Sweep, options: WorkOptions): Promise<void> {
  const { signal, only, leavesRest = false } = options
  const computed = new Set<Digest>()
  let sweep = first
  for (;;) {
    signal.throwIfAborted()
    const found = await nextTrial(sweep, only)
    sweep = found.sweep
    const { next } = found
    if (next.type === 'end') return
    if (leavesRest && next.type === 'wait' && next.for === 'rest') return
    if (next.type === 'run') await runClaimed(sweep, next, { ...options, computed })
    else await sleep(LOOK_MS, undefined, { signal })
  }
}

interface Working extends WorkOptions {
  /** Fingerprints of the stages that this process has computed. */
  readonly computed: Set<Digest>
}

type Run = Extract<Next, { type: 'run' }>

async function runClaimed(sweep: Sweep, run: Run, options: Working): Promise<void> {
  const { block } = sweep
  const { trial, claim } = run
  let to: 'open' | 'closed' = 'open'
  try {
    // Only now is it sure that nobody else writes to the log.
    const { lost } = stateOf(readTrial(folderOf(sweep, trial.id))!)
    if (lost >= MOST_LOST) {
      const message = `its process ended ${lost} times before an epoch was finished: it may need more memory than there is`
      await fail(trial, claim, { code: 'STAGE_FAILED', message, again: false }, options)
      to = 'closed'
      return
    }
    for (let left = block.retries; ; left -= 1) {
      const isDone = await attempt(sweep, run, { ...options, isLast: left === 0 })
      if (isDone || left === 0) break
    }
    to = 'closed'
  } finally {
    claim.release(to)
  }
}

/** One attempt; false where it has failed. Throws what ends the worker, after the log has a line of it. */
async function attempt(
  sweep: Sweep,
  { trial, claim, epochs: rung }: Run,
  options: Working & { readonly isLast: boolean },
): Promise<boolean> {
  const { emit, signal, isLast, computed } = options
  const { block, name } = sweep
  const began = performance.now()
  const { id, parameters } = trial
  await claim.write({ type: 'started', time: now(), owner: ownerText(self()) })
  emit({ type: 'trialStarted', trial: id, parameters, pid: process.pid })
  const cut = new AbortController()
  /** The figure of the metric by epoch, also of those that an earlier attempt has trained. */
  const curve: (number | undefined)[] = valuesOf(stateOf(readTrial(claim.path)!), block.metric)
  /** Lines are written in their order. */
  let lines = Promise.resolve()
  const write = (line: TrialLine) => void (lines = lines.then(() => claim.write(line)))
  const hear = (event: Event): void => {
    emit({ ...event, trial: id })
    if (event.type === 'stageDone' && !event.cached) computed.add(event.fingerprint)
    if (event.type !== 'epochDone' || event.before) return
    const { epoch, epochs, train, validation, seconds } = event
    write({ type: 'epoch', epoch, epochs, train, validation, seconds })
    const figures = { train, validation }[block.metric.split as 'train' | 'validation']
    curve[epoch - 1] = figures?.[block.metric.figure] ?? NaN
    if (
      epoch === epochs ||
      !isToStop(
        sweep,
        Array.from(curve, (value) => value ?? NaN),
      )
    )
      return
    cut.abort(new DOMException('stopped early', 'AbortError'))
  }
  try {
    const { runs, offline, verbose } = options
    const loaded = withEpochs(trial.loaded, rung)
    const prepared = await prepare(loaded, { runs, name, offline, verbose, pin: true })
    const outcome = await runPipeline(prepared, {
      ...options,
      force: await forcedStages(prepared, options, computed),
      noCache: false,
      signal: AbortSignal.any([signal, cut.signal]),
      emit: hear,
    })
    await lines
    const whole = trial.loaded.pipeline.training.epochs
    const seconds = (performance.now() - began) / 1000
    const done = doneLine(outcome, { seconds, time: now(), rung, whole })
    await claim.write(done)
    const { cached, run, metrics } = done
    const isPaused = done.type === 'paused'
    const value = metrics[block.metric.name]
    emit({
      type: 'trialDone',
      trial: id,
      value,
      cached,
      isPaused,
      epochs: done.epochs,
      seconds,
      run,
    })
    return true
  } catch (error) {
    await lines
    if (cut.signal.aborted && !signal.aborted) {
      const { epoch, metrics } = lastEpoch(readTrial(claim.path)!)
      await claim.write({ type: 'stopped', time: now(), epoch, metrics })
      emit({ type: 'trialStopped', trial: id, value: metrics[block.metric.name], epoch })
      return true
    }
    if (signal.aborted || !(error instanceof PipelineError) || isOfMachine(error)) {
      await claim.write({ type: 'interrupted', time: now() })
      throw error
    }
    const [{ code, message }] = error.diagnostics as [(typeof error.diagnostics)[number]]
    await fail(trial, claim, { code, message, again: !isLast }, options)
    return false
  }
}

/** Whether a trial with these values by epoch does worse than the median of those that are done. */
function isToStop(sweep: Sweep, values: readonly number[]): boolean {
  const { earlyTerminate, metric } = sweep.block
  if (earlyTerminate?.type !== 'median') return false
  const finished = [...readFolders(sweep).values()]
    .map(stateOf)
    .filter(({ status }) => status === 'done')
    .map((state) => valuesOf(state, metric))
  const { min = 1, trials = 5 } = earlyTerminate
  return medianDecision(values, finished, { goal: metric.goal, min, trials })
}

/** What the last finished epoch came to, as figures of splits. */
function lastEpoch(folder: TrialFolder): { readonly epoch: number; readonly metrics: Figures } {
  const line = stateOf(folder).curve.at(-1)
  const metrics: Record<string, number> = {}
  for (const split of ['train', 'validation'] as const) {
    for (const [name, value] of Object.entries(line?.[split] ?? {}))
      metrics[`${split}.${name}`] = value
  }
  return { epoch: line?.epoch ?? 0, metrics }
}

async function fail(
  { id }: Trial,
  claim: TrialClaim,
  { code, message, again }: { code: string; message: string; again: boolean },
  { emit }: WorkOptions,
): Promise<void> {
  await claim.write({ type: 'failed', time: now(), code, message })
  emit({ type: 'trialFailed', trial: id, code, message, again })
}

/** What would fail every other trial too, but for memory, which a smaller batch needs less of. */
function isOfMachine(error: PipelineError): boolean {
  const ofTrial = ['OUT_OF_MEMORY', 'ENGINE_FAILED']
  const isOffline = error.diagnostics.some(({ code }) => code === 'OFFLINE')
  return (
    isOffline || (exitCode(error) === 3 && !error.diagnostics.some((d) => ofTrial.includes(d.code)))
  )
}

function now(): string {
  return `${new Date().toISOString().slice(0, 19)}Z`
}

import { setTimeout as sleep } from 'node:timers/promises'
import { ownerText, self } from '../graph/owner.ts'
import { prepare } from '../runs/prepare.ts'
import { runPipeline, type RunOptions } from '../runs/run.ts'
import { exitCode, PipelineError } from '../util/diagnostic.ts'
import type { SweepEvent } from './event.ts'
import { doneLine } from './done-line.ts'
import type { Sweep, Trial } from './sweep.ts'
import {
  claimTrial,
  readTrial,
  type TrialClaim,
  type TrialFolder,
  type TrialLine,
} from './trial-folder.ts'
import { reaches, stateOf, valueOf } from './trial-state.ts'
import { folderOf, readFolders } from './trials.ts'

export interface WorkOptions extends Omit<RunOptions, 'emit'> {
  readonly offline: boolean
  readonly verbose: boolean
  /** Only these trials are run. */
  readonly only?: ReadonlySet<string> | undefined
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
export async function work(sweep: Sweep, options: WorkOptions): Promise<void> {
  const { signal, only } = options
  const trials = sweep.trials.filter(({ id }) => !only || only.has(id))
  for (;;) {
    signal.throwIfAborted()
    const folders = readFolders(sweep)
    if (isOver(sweep, folders)) return
    const taken = takeNext(trials, folders)
    if (taken) await runClaimed(sweep, taken.trial, taken.claim, options)
    else if (trials.some(({ id }) => folders.get(id)?.ticket.state === 'claimed')) {
      await sleep(LOOK_MS, undefined, { signal })
    } else return
  }
}

/** Whether a trial has reached the target, or one has failed that ends the sweep. */
export function isOver(
  { block, trials }: Sweep,
  folders: ReadonlyMap<string, TrialFolder>,
): boolean {
  return trials.some(({ id }) => {
    const folder = folders.get(id)
    if (!folder) return false
    const state = stateOf(folder)
    const value = valueOf(state, block.metric)
    if (value !== undefined && reaches(value, block.metric)) return true
    return block.onError === 'stop' && state.status === 'failed' && folder.ticket.state === 'closed'
  })
}

function takeNext(
  trials: readonly Trial[],
  folders: ReadonlyMap<string, TrialFolder>,
): { trial: Trial; claim: TrialClaim } | undefined {
  for (const trial of trials) {
    const folder = folders.get(trial.id)
    const claim = folder && claimTrial(folder)
    if (claim) return { trial, claim }
  }
  return undefined
}

async function runClaimed(
  sweep: Sweep,
  trial: Trial,
  claim: TrialClaim,
  options: WorkOptions,
): Promise<void> {
  const { block } = sweep
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
      const isDone = await attempt(sweep, trial, claim, { ...options, isLast: left === 0 })
      if (isDone || left === 0) break
    }
    to = 'closed'
  } finally {
    claim.release(to)
  }
}

/** One attempt; false where it has failed. Throws what ends the worker, after the log has a line of it. */
async function attempt(
  { block, name }: Sweep,
  trial: Trial,
  claim: TrialClaim,
  options: WorkOptions & { readonly isLast: boolean },
): Promise<boolean> {
  const { emit, signal, isLast } = options
  const began = performance.now()
  const { id, parameters } = trial
  await claim.write({ type: 'started', time: now(), owner: ownerText(self()) })
  emit({ type: 'trialStarted', trial: id, parameters, pid: process.pid })
  /** Lines are written in their order. */
  let lines = Promise.resolve()
  const write = (line: TrialLine) => void (lines = lines.then(() => claim.write(line)))
  try {
    const { runs, offline, verbose } = options
    const prepared = await prepare(trial.loaded, { runs, name, offline, verbose, pin: true })
    const outcome = await runPipeline(prepared, {
      ...options,
      emit: (event) => {
        emit({ ...event, trial: id })
        if (event.type !== 'epochDone' || event.before) return
        const { epoch, epochs, train, validation, seconds } = event
        write({ type: 'epoch', epoch, epochs, train, validation, seconds })
      },
    })
    await lines
    const done = doneLine(outcome, { seconds: (performance.now() - began) / 1000, time: now() })
    await claim.write(done)
    const { cached, seconds, run, metrics } = done
    emit({ type: 'trialDone', trial: id, value: metrics[block.metric.name], cached, seconds, run })
    return true
  } catch (error) {
    await lines
    if (signal.aborted) {
      await claim.write({ type: 'interrupted', time: now() })
      throw error
    }
    if (!(error instanceof PipelineError) || isOfMachine(error)) {
      await claim.write({ type: 'interrupted', time: now() })
      throw error
    }
    const [{ code, message }] = error.diagnostics as [(typeof error.diagnostics)[number]]
    await fail(trial, claim, { code, message, again: !isLast }, options)
    return false
  }
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

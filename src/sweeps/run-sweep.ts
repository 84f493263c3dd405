import { join } from 'node:path'
import { prepare } from '../runs/prepare.ts'
import { readRun } from '../runs/read.ts'
import { runPipeline, type Outcome } from '../runs/run.ts'
import { writeBoard } from '../runs/tensorboard/board.ts'
import type { SweepEvent } from './event.ts'
import { sweepResults, type SweepResults } from './results.ts'
import type { Sweep, Trial } from './sweep.ts'
import type { TrialFolder } from './trial-folder.ts'
import { begin, readFolders, withSuggested } from './trials.ts'
import { work, type WorkOptions } from './worker.ts'
import { runWorkers } from './workers.ts'

export interface RunSweepOptions extends Omit<WorkOptions, 'only' | 'jobs'> {
  /** Trials side by side; above 1 each in a process of its own. */
  readonly workers: number
  /** Stages of one trial side by side. */
  readonly stageJobs: number
  readonly onlyFailed: boolean
  /** Of this machine, as CUDA names them; with several each worker has one of its own. */
  readonly gpus: readonly string[]
  /** How a worker is called, without its own flags: `node main.js sweep worker FILE …`. */
  readonly workerCommand: readonly string[]
}

export interface SweepOutcome {
  /** With all its trials. */
  readonly sweep: Sweep
  readonly results: SweepResults
  /** Trials that were done before this call. */
  readonly before: ReadonlySet<string>
  /** The run of the best trial, evaluated as the file says; undefined where none is done. */
  readonly best: Outcome | undefined
}

/**
 * Runs what is missing of a sweep, and evaluates the best trial as the file says. Finished trials are taken from the folder.
 * Throws what `work` does; a trial that fails throws nothing.
 */
export async function runSweep(given: Sweep, options: RunSweepOptions): Promise<SweepOutcome> {
  const { force, noCache, restart, onlyFailed, emit, workers, stageJobs: jobs } = options
  const isForced = force.length > 0 || noCache || restart
  const sweep = await withSuggested(given)
  const only = await begin(sweep, { isForced, onlyFailed })
  const started = [...readFolders(sweep).values()]
  const isClosed = ({ ticket }: TrialFolder) => ticket.state === 'closed'
  const before = new Set(started.filter(isClosed).map(({ id }) => id))
  const { maxTrials, method } = sweep.block
  const trials = method === 'tpe' ? maxTrials! : sweep.trials.length
  emit({ type: 'sweepStarted', trials, finished: before.size })
  const waiting = (only?.size ?? trials) - (only ? 0 : before.size)
  const byRungs = sweep.block.earlyTerminate?.type === 'asha'
  if (workers > 1 && (waiting > 1 || byRungs)) {
    const count = byRungs ? workers : Math.min(workers, waiting)
    await runWorkers({ ...options, workers: count })
  } else if (waiting > 0 || byRungs) await work(sweep, { ...options, jobs, only })
  const end = await withSuggested(sweep)
  const results = sweepResults(end, readFolders(end))
  if (options.tensorboard) await writeBoards(results, options.runs)
  const best = end.trials.find(({ id }) => id === results.best?.id)
  return {
    sweep: end,
    results,
    before,
    best: best && (await runWhole(end, best, { ...options, jobs })),
  }
}

/** Trials that were done before have no events yet where they were run without. */
async function writeBoards({ trials }: SweepResults, runs: string): Promise<void> {
  for (const { run } of trials) {
    const stored = run === undefined ? undefined : readRun(join(runs, run))
    if (stored) await writeBoard(stored)
  }
}

/** The trial evaluated as the file says; what is trained is in the store. */
async function runWhole(sweep: Sweep, trial: Trial, options: WorkOptions): Promise<Outcome> {
  const { runs, offline, verbose, emit } = options
  const { name } = sweep
  const prepared = await prepare(trial.whole, { runs, name, offline, verbose, pin: true })
  const told = (event: SweepEvent) => emit({ ...event, trial: trial.id } as SweepEvent)
  return runPipeline(prepared, {
    ...options,
    force: [],
    noCache: false,
    restart: false,
    emit: told,
  })
}

import { prepare } from '../runs/prepare.ts'
import { runPipeline, type Outcome } from '../runs/run.ts'
import type { SweepEvent } from './event.ts'
import { sweepResults, type SweepResults } from './results.ts'
import type { Sweep, Trial } from './sweep.ts'
import { begin, readFolders } from './trials.ts'
import { stateOf } from './trial-state.ts'
import { work, type WorkOptions } from './worker.ts'
import { runWorkers } from './workers.ts'

export interface RunSweepOptions extends Omit<WorkOptions, 'only' | 'jobs'> {
  /** Trials side by side; above 1 each in a process of its own. */
  readonly workers: number
  /** Stages of one trial side by side. */
  readonly stageJobs: number
  readonly onlyFailed: boolean
  /** How a worker is called, without its own flags: `node main.js sweep worker FILE …`. */
  readonly workerCommand: readonly string[]
}

export interface SweepOutcome {
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
export async function runSweep(sweep: Sweep, options: RunSweepOptions): Promise<SweepOutcome> {
  const { force, noCache, restart, onlyFailed, emit, workers, stageJobs: jobs } = options
  const isForced = force.length > 0 || noCache || restart
  const only = await begin(sweep, { isForced, onlyFailed })
  const started = readFolders(sweep)
  const before = new Set(
    [...started.values()]
      .filter((folder) => folder.ticket.state === 'closed' && stateOf(folder).status === 'done')
      .map(({ id }) => id),
  )
  emit({ type: 'sweepStarted', trials: sweep.trials.length, finished: before.size })
  const waiting = [...only].filter((id) => !before.has(id)).length
  if (workers > 1 && waiting > 1) {
    await runWorkers(sweep, { ...options, workers: Math.min(workers, waiting), only })
  } else if (waiting > 0) await work(sweep, { ...options, jobs, only })
  const results = sweepResults(sweep, readFolders(sweep))
  const best = sweep.trials.find(({ id }) => id === results.best?.id)
  return { results, before, best: best && (await runWhole(sweep, best, { ...options, jobs })) }
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

import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { openEnvironment } from '../stages/environment.ts'
import { stageKinds } from '../stages/table.ts'
import type { Event } from '../graph/event.ts'
import { planStages, type PlannedStage } from '../graph/plan.ts'
import { openStore, type Store } from '../graph/store.ts'
import type { Stage, StageKind } from '../graph/stage.ts'
import { indexWarnings, SUMMARY_FILE, type IndexSummary } from '../data/index-table.ts'
import { PipelineError, type Diagnostic } from '../util/diagnostic.ts'
import type { StageEnvironment } from '../stages/environment.ts'
import type { Prepared } from './prepare.ts'
import { readRuns, type StoredRun } from './read.ts'

export interface RunOptions {
  readonly store: string
  readonly maxStoreBytes?: number | undefined
  /** Absolute; where run folders are. */
  readonly runs: string
  readonly cwd: string
  readonly jobs: number
  readonly force: readonly string[]
  readonly noCache: boolean
  readonly restart: boolean
  readonly signal: AbortSignal
  readonly emit: (event: Event) => void
}

export interface Outcome extends StoredRun {
  /** The run was finished before and nothing was computed. */
  readonly again: boolean
}

/** An open store with the stage kinds that compute into it. */
export interface Workshop {
  readonly store: Store
  readonly kinds: Readonly<Record<string, StageKind>>
  readonly environment: StageEnvironment
}

export async function openWorkshop(
  prepared: Prepared,
  options: Pick<RunOptions, 'store' | 'maxStoreBytes'>,
): Promise<Workshop> {
  const { maxStoreBytes: maxBytes } = options
  const store = await openStore(options.store, maxBytes === undefined ? {} : { maxBytes })
  const environment = openEnvironment(prepared.openEngine)
  return { store, kinds: stageKinds(environment), environment }
}

/**
 * Runs a pipeline: the same one again, finished and with equal inputs, is its old run; else its stages are executed
 * into a run folder, the unfinished one of the same pipeline where there is one. What fails or is interrupted leaves a run folder
 * that says so. Throws PipelineError, or the signal's reason.
 */
export async function runPipeline(prepared: Prepared, options: RunOptions): Promise<Outcome> {
  const { signal, force, noCache, restart } = options
  const workshop = await openWorkshop(prepared, options)
  const { store, kinds, environment } = workshop
  try {
    const earlier = readRuns(options.runs).filter(
      ({ record }) => record.name === prepared.name && record.pipeline === prepared.digest,
    )
    const plan = await planStages(prepared.stages, kinds, store, { signal, force, noCache })
    const finished = prepared.isRepeatable ? finishedRun(earlier, plan) : undefined
    if (finished && force.length === 0 && !noCache && !restart) return { ...finished, again: true }
    // What only looks at an old run loads nothing of this.
    const { execute } = await import('../graph/execute.ts')
    const { openRecorder } = await import('./recorder.ts')
    const isForced = force.length > 0 || noCache
    const unfinished = isForced ? undefined : earlier.findLast(isUnfinished)
    const recorder = await openRecorder(prepared, options, unfinished)
    const misfit = new AbortController()
    const emit = (event: Event): void => {
      recorder.event(event)
      options.emit(event)
      if (event.type !== 'stageDone' || event.stage !== 'index') return
      const index = store.pathOf(event.digest)
      // The stage itself has told them where it was computed now.
      for (const diagnostic of event.cached ? warningsOf(index) : []) {
        emit({ type: 'warning', stage: event.stage, diagnostic })
      }
      const problems = prepared.classProblems(classesOf(index))
      // Before a trunk runs for an hour, and not when the head is trained.
      if (problems.length > 0) misfit.abort(new PipelineError(problems))
    }
    const want = prepared.stages.filter(isWanted).map((stage) => stage.id)
    try {
      const { jobs } = options
      const artifacts = await execute(prepared.stages, kinds, store, {
        jobs,
        signal: AbortSignal.any([signal, misfit.signal]),
        emit,
        force,
        noCache,
        restart,
        want,
      })
      const record = await recorder.finish(artifacts)
      return { record, folder: recorder.folder, again: false }
    } catch (error) {
      const isFailure = error instanceof PipelineError
      // A disk that is full must not hide why the run failed.
      await recorder.abandon(isFailure ? 'failed' : 'interrupted').catch(() => undefined)
      throw error
    }
  } catch (error) {
    throw prepared.placed(error)
  } finally {
    await environment.close()
    store.close()
  }
}

function classesOf(index: string): string[] {
  return JSON.parse(readFileSync(join(index, 'classes.json'), 'utf8')) as string[]
}

function warningsOf(index: string): Diagnostic[] {
  const text = readFileSync(join(index, SUMMARY_FILE), 'utf8')
  return indexWarnings(JSON.parse(text) as IndexSummary)
}

/** The newest finished run whose stages came to what the plan knows they come to. */
function finishedRun(earlier: StoredRun[], plan: readonly PlannedStage[]): StoredRun | undefined {
  if (plan.some(({ state, digest }) => state !== 'cached' || digest === undefined)) return undefined
  const digests = new Map(plan.map(({ stage, digest }) => [stage.id, digest]))
  return earlier.findLast(
    ({ record }) =>
      record.status === 'done' &&
      record.stages.length === digests.size &&
      record.stages.every((stage) => digests.get(stage.id) === stage.digest),
  )
}

function isUnfinished({ record }: StoredRun): boolean {
  return record.status === 'interrupted' || record.status === 'failed'
}

/** The stages that a run folder is written from. */
function isWanted({ kind }: Stage): boolean {
  return kind === 'index' || kind === 'train' || kind === 'evaluate'
}

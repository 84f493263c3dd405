import { openEnvironment } from '../stages/environment.ts'
import { stageKinds } from '../stages/table.ts'
import type { Event } from '../graph/event.ts'
import type { PlannedStage } from '../graph/plan.ts'
import { openStore, type Store } from '../graph/store.ts'
import type { StageKind } from '../graph/stage.ts'
import { PipelineError } from '../util/diagnostic.ts'
import type { StageEnvironment } from '../stages/environment.ts'
import type { AnyPrepared, PreparedPrediction } from './prepare.ts'
import type { Recorder } from './recorder.ts'
import { carryOut } from './carry-out.ts'
import { listRuns } from './list/list.ts'
import { readRun, type StoredRun } from './read.ts'
import { planPrepared } from './settle.ts'

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
  /** The epochs are also written for TensorBoard, while they come. */
  readonly tensorboard: boolean
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
  prepared: Pick<AnyPrepared, 'openEngine'>,
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
export async function runPipeline(prepared: AnyPrepared, options: RunOptions): Promise<Outcome> {
  const { signal, force, noCache, restart } = options
  const workshop = await openWorkshop(prepared, options)
  try {
    const earlier = listRuns(options.runs)
      .filter(({ row }) => row.name === prepared.name && row.pipeline === prepared.digest)
      .flatMap(({ folder }) => readRun(folder) ?? [])
    const planned = await planPrepared(prepared, workshop, { signal, force, noCache })
    const finished = prepared.isRepeatable ? finishedRun(earlier, planned.plan) : undefined
    if (finished && force.length === 0 && !noCache && !restart) {
      if (options.tensorboard) await (await import('./tensorboard/board.ts')).writeBoard(finished)
      return { ...finished, again: true }
    }
    // What only looks at an old run loads nothing of this.
    const { openRecorder } = await import('./recorder.ts')
    const isForced = force.length > 0 || noCache
    const unfinished = isForced ? undefined : earlier.findLast(isUnfinished)
    const recorder = await openRecorder(prepared, options, unfinished)
    try {
      const record =
        'prediction' in planned.prepared
          ? await predictOut(planned.prepared, workshop, options, recorder)
          : await trainOut(planned.prepared, workshop, options, recorder)
      return { record, folder: recorder.folder, again: false }
    } catch (error) {
      const problems = error instanceof PipelineError ? error.diagnostics : undefined
      // A disk that is full must not hide why the run failed.
      await recorder.abandon(problems ? 'failed' : 'interrupted', problems).catch(() => undefined)
      throw error
    }
  } catch (error) {
    throw prepared.placed(error)
  } finally {
    await workshop.environment.close()
    workshop.store.close()
  }
}

async function trainOut(...[prepared, workshop, options, recorder]: Parameters<typeof carryOut>) {
  const done = await carryOut(prepared, workshop, options, recorder)
  return recorder.finish(done.artifacts, done.prepared)
}

async function predictOut(
  prepared: PreparedPrediction,
  workshop: Workshop,
  options: RunOptions,
  recorder: Recorder,
) {
  const { carryOutPrediction } = await import('./predict-out.ts')
  return recorder.finishPrediction(await carryOutPrediction(prepared, workshop, options, recorder))
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

import { join } from 'node:path'
import { loadPipeline, type LoadedPipeline, type LoadOptions } from '../pipeline/load.ts'
import type { Evaluation, Pipeline } from '../pipeline/pipeline.ts'
import type { SweepBlock, SweepMetric, Values } from '../pipeline/sweep-block.ts'
import { failure, PipelineError, type Diagnostic } from '../util/diagnostic.ts'
import { canonicalJson } from '../util/json.ts'
import { changesOf, trialValues, withoutRepeat } from './candidates.ts'
import { firstCandidates, probeCandidates } from './sampler.ts'
import { trialId } from './trial-id.ts'

/** A trial as the file says it. */
export interface Trial {
  readonly id: string
  /** By dotted key, what this trial gives them. */
  readonly parameters: Values
  /** The same for trials that differ only in what `repeat` names. */
  readonly group: string
  /** The pipeline that is run: evaluated on what trials are judged by. */
  readonly loaded: LoadedPipeline
  /** The same evaluated as the file says; for the best trial alone. */
  readonly whole: LoadedPipeline
}

/** A sweep with the trials that are known, in the order in which they are to be started. */
export interface Sweep {
  readonly file: string
  readonly name: string
  readonly block: SweepBlock
  /** Absolute: `runs/<name>/sweep`. */
  readonly folder: string
  readonly trials: readonly Trial[]
  readonly warnings: readonly Diagnostic[]
  /** The trial with these parameters. Throws what `loadFile` does. */
  readonly resolve: (parameters: Values) => Promise<Trial>
}

export interface OpenSweepOptions extends Omit<LoadOptions, 'trial'> {
  /** Absolute; where run folders are. */
  readonly runs: string
  /** In place of the file's. */
  readonly name?: string | undefined
}

/** The folder of a sweep's state, in that of its runs. */
export function sweepFolder(runs: string, name: string): string {
  return join(runs, name, 'sweep')
}

/** Resolves and checks every trial. Throws PipelineError with what is wrong with any of them. */
export async function openSweep(
  file: string,
  block: SweepBlock,
  options: OpenSweepOptions,
): Promise<Sweep> {
  const resolve = (parameters: Values) => resolveTrial(file, block, parameters, options)
  const { trials, errors, warnings } = await resolveAll(
    trialValues(block, firstCandidates(block)),
    resolve,
  )
  const probed = await resolveAll(trialValues(block, probeCandidates(block)), resolve)
  if (errors.length + probed.errors.length > 0) {
    throw new PipelineError(once([...errors, ...probed.errors]))
  }
  const first = trials[0] ?? probed.trials[0]
  if (!first) throw failure('CONFLICT', 'exclude leaves no trial of the sweep')
  const name = options.name ?? first.loaded.pipeline.name
  if (block.earlyTerminate?.type === 'asha' && first.whole.pipeline.training.phases) {
    throw failure(
      'CONFLICT',
      'earlyTerminate asha counts training.epochs, and phases count their own',
      {
        hint: 'take training.phases out, or write earlyTerminate: {type: median}',
      },
    )
  }
  return {
    file,
    name,
    block,
    folder: sweepFolder(options.runs, name),
    trials,
    warnings: once([...block.warnings, ...warnings, ...probed.warnings]),
    resolve,
  }
}

/** Each once, two ways to say the same being one trial; what is wrong with any is collected. */
async function resolveAll(all: readonly Values[], resolve: Sweep['resolve']) {
  const trials: Trial[] = []
  const errors: Diagnostic[] = []
  const warnings: Diagnostic[] = []
  const ids = new Set<string>()
  for (const parameters of all) {
    try {
      const trial = await resolve(parameters)
      if (ids.has(trial.id)) continue
      ids.add(trial.id)
      trials.push(trial)
      warnings.push(...trial.loaded.warnings)
    } catch (error) {
      if (!(error instanceof PipelineError)) throw error
      errors.push(...error.diagnostics)
    }
  }
  return { trials, errors, warnings }
}

/** The trial with these parameters. Throws what `loadFile` does. */
async function resolveTrial(
  file: string,
  block: SweepBlock,
  parameters: Values,
  options: OpenSweepOptions,
): Promise<Trial> {
  const { composed } = block
  const trial = changesOf(block, parameters)
  const loaded = await loadPipeline(file, { ...options, composed, trial })
  const whole = withEpochs(loaded, wholeEpochs(block))
  const evaluation = judgedBy(block.metric, whole.pipeline)
  return {
    id: trialId(whole.pipeline, options.runs),
    parameters,
    group: canonicalJson(withoutRepeat(block, parameters)),
    loaded: { ...whole, pipeline: { ...whole.pipeline, evaluation } },
    whole,
  }
}

/** How long a whole training is, where early termination says it. */
function wholeEpochs({ earlyTerminate }: SweepBlock): number | undefined {
  return earlyTerminate?.type === 'asha' ? earlyTerminate.max : undefined
}

/** The same trained for so many epochs. */
export function withEpochs(loaded: LoadedPipeline, epochs: number | undefined): LoadedPipeline {
  if (epochs === undefined) return loaded
  const { pipeline } = loaded
  return { ...loaded, pipeline: { ...pipeline, training: { ...pipeline.training, epochs } } }
}

/** The split of the metric instead of test, and its figure computed. */
function judgedBy({ split, figure }: SweepMetric, { evaluation, dataset }: Pipeline): Evaluation {
  const isThere = split !== 'train' && split in dataset.splits
  const others = evaluation.on.filter((name) => name !== 'test' && name !== split)
  const on = [...(isThere ? [split] : []), ...others]
  const { metrics } = evaluation
  const isGiven = figure === 'loss' || (metrics as readonly string[]).includes(figure)
  return {
    ...evaluation,
    on: (on.length > 0 ? on : evaluation.on) as Evaluation['on'],
    metrics: isGiven ? metrics : [...metrics, figure as (typeof metrics)[number]],
  }
}

/** The same thing is told once, whichever trials it is about. */
function once(diagnostics: readonly Diagnostic[]): Diagnostic[] {
  const unique = new Map(diagnostics.map((d) => [JSON.stringify([d.code, d.message, d.at]), d]))
  return [...unique.values()]
}

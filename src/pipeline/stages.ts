import type { EngineInfo } from '../engines/engine.ts'
import type { Stage } from '../graph/stage.ts'
import type { JsonObject } from '../util/json.ts'
import type { KnownModel } from './base-model.ts'
import { dataStages, pixelStage, weightStages } from './data-stages.ts'
import type { Phase } from './phases.ts'
import type { Pipeline, SplitName } from './pipeline.ts'
import { evaluateStage, featureStage, trainStage } from './training-stages.ts'

/** What stages must know beside the file: nothing of it is read from YAML. */
export interface ResolveOptions {
  /** The engine that will compute, as its numbers depend on it. */
  readonly engine: EngineInfo
  /** Drawn already where the file says `random`. */
  readonly seed: number
  /** What decoding depends on: versions of the decoder and of the resampler. */
  readonly pixelNumerics: JsonObject
  /** Path of `pipeline.lock`, absolute; undefined where there is no file beside which it would stand. */
  readonly lockFile?: string | undefined
  readonly offline: boolean
  /** Of the base model, where a file brings it. */
  readonly known?: KnownModel | undefined
  /** False where nothing is written, not even a pin into the lock file. */
  readonly pin: boolean
}

/** The splits of a pipeline, in their order. */
export function splitsOf(pipeline: Pipeline): SplitName[] {
  const names: SplitName[] = ['train', 'validation', 'test']
  return names.filter((name) => pipeline.dataset.splits[name] !== undefined)
}

/**
 * The stages of a pipeline. Each gets exactly the values it reads: what is not in its params, seed and numerics can
 * never make it run again. Stage ids are `kind` or `kind:which`.
 */
export function resolveStages(
  pipeline: Pipeline,
  phases: readonly Phase[],
  options: ResolveOptions,
): Stage[] {
  const data = dataStages(pipeline, options)
  const weights = weightStages(pipeline, options)
  const splits = splitsOf(pipeline)
  const pixels = splits.map((split) => pixelStage(pipeline, options, split, data.files))
  const last = phases.at(-1)
  // The layers of the base model are not known yet: what depends on them is decided when they are.
  if (!last) return [...data.stages, ...weights, ...pixels]
  const { on } = pipeline.evaluation
  const trains = phases.map((phase) => trainStage(pipeline, options, phase, splits, last))
  const used = phases.flatMap((phase) => [...phase.features.values()])
  const features = new Map(used.map((use) => [use.id, featureStage(pipeline, options, use)]))
  const evaluations = on.map((split) => evaluateStage(pipeline, options, last, split))
  return [...data.stages, ...weights, ...pixels, ...features.values(), ...trains, ...evaluations]
}

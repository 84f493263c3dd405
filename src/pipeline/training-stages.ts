import { SPLIT_FILES } from '../data/index-table.ts'
import type { EngineInfo } from '../engines/engine.ts'
import type { Stage } from '../graph/stage.ts'
import { ARCHITECTURE_FILE } from '../stages/model-choice.ts'
import { monitored } from '../training/callbacks.ts'
import type { JsonObject } from '../util/json.ts'
import { cutOf, isNamed, type ModelPart } from './base-model.ts'
import { variantOf } from './model-options.ts'
import { callbacksOf, watchesTest, type FeatureUse, type Phase } from './phases.ts'
import type { Pipeline, SplitName } from './pipeline.ts'
import type { ResolveOptions } from './stages.ts'

/** The model as stages name it. */
export function modelParams({ baseModel: base, dataset }: ModelPart): JsonObject {
  const [height, width] = dataset.imageSize
  if (!isNamed(base)) {
    const cut = cutOf(base)
    const output = cut === undefined ? {} : { output: cut }
    return { imported: true, inputShape: [height, width, 3], ...output }
  }
  return {
    name: base.name,
    includeTop: base.includeTop,
    pooling: base.pooling,
    alpha: base.alpha ?? 1,
    ...variantOf(base),
    inputShape: [height, width, 3],
  }
}

/** The layers of a model without a name, which its weights stage reads. */
export function architectureOf({ baseModel }: ModelPart): Record<string, string> {
  return isNamed(baseModel) ? {} : { architecture: `weights#${ARCHITECTURE_FILE}` }
}

export function preprocessingOf({ preprocessing }: Pick<Pipeline, 'preprocessing'>): JsonObject {
  return { ...(preprocessing as JsonObject), force: undefined }
}

export function featureStage(
  pipeline: Pipeline,
  { engine, seed }: ResolveOptions,
  { split, id, plan, model }: FeatureUse,
): Stage {
  const { dtype } = pipeline.features
  const bank = split === 'train' ? bankOf(pipeline) : undefined
  return {
    id,
    kind: 'features',
    params: {
      split,
      model: modelParams(pipeline),
      ...(plan.tail.length > 0 ? { tail: plan.tail as unknown as JsonObject[] } : {}),
      ends: plan.ends,
      preprocessing: preprocessingOf(pipeline),
      dtype,
      ...(bank ? { bank } : {}),
    },
    needs: {
      pixels: `pixels:${split}`,
      weights: 'weights',
      ...architectureOf(pipeline),
      ...(model ? { model } : {}),
    },
    ...(bank ? { seed } : {}),
    numerics: numericsOf(pipeline, engine),
  }
}

function bankOf({ augmentation }: Pipeline): JsonObject | undefined {
  if (augmentation === undefined || augmentation.bank === 'none') return undefined
  const { bank: variants, ...draws } = augmentation
  return { variants, augmentation: draws as unknown as JsonObject }
}

/** What training does to its pictures, read as pixels or as features. */
function drawsOf({ augmentation }: Pipeline, isKept: boolean): JsonObject {
  if (augmentation === undefined) return {}
  const { bank, ...draws } = augmentation
  if (isKept) return { bank }
  return { augmentation: draws as unknown as JsonObject }
}

/** What a phase's train stage and the evaluations behind it say in the same words. */
function networkParams(pipeline: Pipeline, phase: Phase, splits: readonly SplitName[]): JsonObject {
  const { head, loss } = pipeline
  const hasPixels = splits.some((split) => !phase.features.has(split))
  return {
    model: modelParams(pipeline),
    head: head as unknown as JsonObject[],
    freeze: phase.freeze as JsonObject,
    loss: { ...loss },
    ...(hasPixels ? { preprocessing: preprocessingOf(pipeline) } : {}),
  }
}

/** The trunk's weights are read where some of its layers are run by the phase itself. */
function needsWeights(phase: Phase, splits: readonly SplitName[]): boolean {
  return splits.some((split) => !phase.features.get(split)?.plan.wholeTrunk)
}

function examplesOf(phase: Phase, split: SplitName): string {
  return phase.features.get(split)?.id ?? `pixels:${split}`
}

export function trainStage(
  pipeline: Pipeline,
  { engine, seed }: ResolveOptions,
  phase: Phase,
  splits: readonly SplitName[],
  last: Phase,
): Stage {
  const { batchSize, lastBatch, shuffle, classWeight, checkpoint } = pipeline.training
  const callbacks = callbacksOf(pipeline)
  const read = splits.filter((split) => split !== 'test' || watchesTest(pipeline))
  const scored = read.filter((split) => split !== 'train')
  const ends = phase.features.get('train')?.plan.ends
  const scoredEnds = scored.flatMap((split) => phase.features.get(split)?.plan.ends ?? [])
  return {
    id: phase.id,
    kind: 'train',
    params: {
      ...networkParams(pipeline, phase, read),
      ...(ends ? { ends } : {}),
      ...(scoredEnds.length > 0 ? { scoredEnds: [...new Set(scoredEnds)] } : {}),
      ...drawsOf(pipeline, ends !== undefined),
      optimizer: { ...phase.optimizer } as unknown as JsonObject,
      phase: phase.number,
      firstEpoch: phase.firstEpoch,
      epochs: phase.lastEpoch,
      batchSize,
      lastBatch,
      shuffle,
      classWeight: classWeight as 'none',
      ...(monitored(callbacks).length > 0 ? { callbacks: callbacks as unknown as JsonObject } : {}),
    },
    needs: {
      train: examplesOf(phase, 'train'),
      labels: `index#${SPLIT_FILES.labels('train')}`,
      ...architectureOf(pipeline),
      ...Object.fromEntries(
        scored.flatMap((split) => [
          [split, examplesOf(phase, split)],
          [`${split}Labels`, `index#${SPLIT_FILES.labels(split)}`],
        ]),
      ),
      ...(needsWeights(phase, read) ? { weights: 'weights' } : {}),
      ...(phase.previous === undefined ? {} : { previous: phase.previous }),
    },
    hints: { checkpointEvery: checkpoint.every, totalEpochs: last.lastEpoch },
    seed,
    numerics: numericsOf(pipeline, engine),
  }
}

/**
 * The best model may be an earlier phase's, with a trunk that is not the one whose features are kept: then all of it
 * is run.
 */
function asEvaluated({ training }: Pipeline, phase: Phase): Phase {
  if (training.checkpoint.keepBest === undefined) return phase
  const features = [...phase.features].filter(([, { model }]) => model === undefined)
  return { ...phase, features: new Map(features) }
}

/** Of the model that the last phase ended with, or of the best one. */
export function evaluateStage(
  pipeline: Pipeline,
  { engine }: ResolveOptions,
  last: Phase,
  split: SplitName,
): Stage {
  const phase = asEvaluated(pipeline, last)
  const { metrics, predictions } = pipeline.evaluation
  const ends = phase.features.get(split)?.plan.ends
  return {
    id: `evaluate:${split}`,
    kind: 'evaluate',
    params: {
      split,
      ...networkParams(pipeline, phase, [split]),
      ...(ends ? { ends } : {}),
      metrics,
      predictions,
    },
    needs: {
      pictures: `index#${SPLIT_FILES.pictures(split)}`,
      labels: `index#${SPLIT_FILES.labels(split)}`,
      examples: examplesOf(phase, split),
      model: phase.id,
      ...architectureOf(pipeline),
      ...(needsWeights(phase, [split]) ? { weights: 'weights' } : {}),
    },
    numerics: numericsOf(pipeline, engine),
  }
}

/** What numbers depend on: the library that computes, its device, its precision, and the threads where the file says how many. */
export function numericsOf(
  { engine: settings }: Pick<Pipeline, 'engine'>,
  engine: EngineInfo,
): JsonObject {
  return {
    engine: engine.name,
    version: engine.version,
    // Which of several equal GPUs it was changes nothing.
    device: engine.device.replace(/:.*/, ''),
    ...(settings.threads === undefined ? {} : { threads: settings.threads }),
    ...(engine.precision === undefined ? {} : { precision: engine.precision }),
  }
}

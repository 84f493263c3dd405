import { readFile } from 'node:fs/promises'
import { join, relative } from 'node:path'
import type { PixelParams } from '../data/picture.ts'
import type { Store } from '../graph/store.ts'
import { buildModel, type ModelChoice } from '../models/base-model.ts'
import { addHead, type HeadLayer } from '../models/head.ts'
import type { LayerGraph, WeightMap } from '../models/layer-graph.ts'
import type { Preprocessing } from '../models/preprocessing.ts'
import { parseStored, storeGraph } from '../models/stored-graph.ts'
import { assignByName } from '../models/weights/assign.ts'
import { isNamed, modelName, type KnownModel } from '../pipeline/base-model.ts'
import { modelOptions } from '../pipeline/model-options.ts'
import type { BaseModel, Dataset } from '../pipeline/pipeline.ts'
import { ARCHITECTURE_FILE } from '../stages/model-choice.ts'
import { MODEL_FILE, WEIGHTS_FILE } from '../stages/weight-files.ts'
import { failure, PipelineError } from '../util/diagnostic.ts'
import type { Digest } from '../util/digest.ts'
import { readSafetensors, type NamedTensor } from '../util/safetensors.ts'
import type { StoredRun } from './read.ts'
import { RUN_FILES } from './record.ts'

/** How a run's pictures become the pixels that its model takes. */
export type RunInput = Pick<
  Dataset,
  'imageSize' | 'resize' | 'fit' | 'colorMode' | 'transparency' | 'exif'
>

/** The same as making pictures wants it, which is what the stage `pixels` gets. */
export function pixelParams({ resize, ...input }: RunInput): PixelParams {
  return { ...input, resize: resize.library === 'pillow' ? resize.method : resize }
}

/** The whole model of a run. */
export interface RunModel {
  /** Trunk and head, on pictures of `input.imageSize`. */
  readonly graph: LayerGraph
  readonly trunk: LayerGraph
  /** Of every layer. */
  readonly weights: WeightMap
  readonly preprocessing: Preprocessing
  readonly classes: readonly string[]
  readonly input: RunInput
}

/** model.json of a run; `runs/model.ts` writes it. */
interface ModelDescription {
  readonly format: number
  readonly baseModel: BaseModel & {
    /** Of the artifact with the trunk's weights as they were before training. */
    readonly digest?: Digest
  }
  readonly input: RunInput
  readonly preprocessing: Preprocessing & { readonly force?: boolean }
  readonly head: readonly HeadLayer[]
  readonly classes: readonly string[]
}

/**
 * The model of a finished run: what training changed from the run's folder, the rest of the trunk from the store.
 * Throws UNKNOWN_RUN where the run has none, BAD_WEIGHTS where its files are damaged, STORE_DAMAGED where the trunk's
 * weights are no longer in the store.
 */
export async function loadRunModel(run: StoredRun, store: Store): Promise<RunModel> {
  const description = await readDescription(run)
  const { input, head, classes } = description
  const { force: _, ...preprocessing } = description.preprocessing
  const trunk = buildModel(await trunkModel(run, description))
  const graph = addHead(trunk, head, classes.length)
  const own = await ownWeights(run)
  const base = holdsAll(graph, own)
    ? new Map<string, never>()
    : await readSafetensors(await trunkFile(run, description, store))
  const weights = assignByName(graph, new Map([...base, ...own]), `the model of ${nameOf(run)}`)
  return { graph, trunk, weights, preprocessing, classes, input }
}

/**
 * What a pipeline must know of a run whose model is its base model: the trunk, with `includeTop` the head too, and the files that
 * hold its weights. Throws what `loadRunModel` does.
 */
export async function knownRun(
  run: StoredRun,
  store: Store,
  { includeTop }: { readonly includeTop: boolean },
): Promise<KnownModel> {
  const description = await readDescription(run)
  const { input, head, classes, preprocessing } = description
  const trunk = buildModel(await trunkModel(run, description))
  const graph = includeTop ? addHead(trunk, head, classes.length) : trunk
  const own = ownFile(run)
  const isWhole = holdsAll(graph, await ownWeights(run))
  const base = isWhole ? [] : [await trunkFile(run, description, store)]
  return {
    stored: storeGraph(graph),
    imageSize: input.imageSize,
    preprocessing,
    ...(includeTop ? { labels: classes } : {}),
    run: { id: run.record.id, files: [...base, own] },
  }
}

async function readDescription(run: StoredRun): Promise<ModelDescription> {
  const path = join(run.folder, RUN_FILES.model, 'model.json')
  const text = await readFile(path, 'utf8').catch((error: unknown) => {
    const { status, predicted } = run.record
    if (predicted) {
      const message = `${nameOf(run)} has no model: it predicts and trains nothing`
      throw failure('UNKNOWN_RUN', message, { hint: 'name a run that trained', cause: error })
    }
    const state = status === 'done' ? 'its folder model/ is not there' : `it is ${status}`
    throw failure('UNKNOWN_RUN', `${nameOf(run)} has no model: ${state}`, {
      hint: `make it: ${again(run)}`,
      cause: error,
    })
  })
  try {
    const description = JSON.parse(text) as ModelDescription
    if (description.format === 1) return description
    throw new TypeError(`format ${description.format}`)
  } catch (error) {
    throw failure('BAD_WEIGHTS', `${path} is not a description of a model of this version`, {
      hint: `make it anew: ${again(run)}`,
      cause: error,
    })
  }
}

/** By its name; a trunk that a file brought has its layers in the run. */
async function trunkModel(
  run: StoredRun,
  { baseModel, input }: ModelDescription,
): Promise<ModelChoice> {
  if (isNamed(baseModel)) return modelOptions(baseModel, input.imageSize)
  const path = join(run.folder, RUN_FILES.model, ARCHITECTURE_FILE)
  try {
    const stored = await parseStored(await readFile(path, 'utf8'))
    return { stored, inputShape: [...input.imageSize, 3] }
  } catch (error) {
    const why = error instanceof SyntaxError ? `: ${error.message}` : ''
    throw failure('BAD_WEIGHTS', `cannot read the layers of a model in ${path}${why}`, {
      hint: `make it anew: ${again(run)}`,
      cause: error,
    })
  }
}

function ownFile({ folder }: StoredRun): string {
  return join(folder, RUN_FILES.model, MODEL_FILE)
}

function holdsAll({ layers }: LayerGraph, weights: ReadonlyMap<string, NamedTensor>): boolean {
  return layers.every((layer) => layer.weights.every(({ name }) => weights.has(name)))
}

/** What training may have changed. */
async function ownWeights(run: StoredRun): Promise<Map<string, NamedTensor>> {
  const path = ownFile(run)
  return readSafetensors(path).catch((error: unknown) => {
    if (error instanceof PipelineError) throw error
    throw failure('BAD_WEIGHTS', `cannot read ${path}`, {
      hint: `make it anew: ${again(run)}`,
      cause: error,
    })
  })
}

/** The file with the trunk's weights as they were before training. */
async function trunkFile(
  run: StoredRun,
  { baseModel }: ModelDescription,
  store: Store,
): Promise<string> {
  const { digest } = baseModel
  let damage: string | undefined
  const artifact = digest && (await store.open(digest, digest, ({ message }) => (damage = message)))
  if (artifact) return join(artifact.path, WEIGHTS_FILE)
  const reason = damage === undefined ? '' : ` (${damage})`
  throw failure(
    'STORE_DAMAGED',
    `the weights of ${modelName(baseModel)}, which ${nameOf(run)} did not train, are not in the store any more${reason}`,
    { hint: `bring them back: ${again(run)} --force weights` },
  )
}

function nameOf({ record }: StoredRun): string {
  return `run ${record.name} ${record.id}`
}

function again({ folder }: StoredRun): string {
  return `pipeline run ${relative(process.cwd(), join(folder, RUN_FILES.resolved))}`
}

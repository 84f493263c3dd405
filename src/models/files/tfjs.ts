import { existsSync } from 'node:fs'
import { readFile, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { failure } from '../../util/diagnostic.ts'
import type { Json } from '../../util/json.ts'
import type { NamedTensor } from '../../util/safetensors.ts'
import { isObject } from '../keras-config/values.ts'
import type { LayerGraph, WeightMap, WeightSpec } from '../layer-graph.ts'
import { rebuildGraph, type StoredGraph } from '../stored-graph.ts'
import { assignByName, assignByOrder } from '../weights/assign.ts'
import type { FileLayer } from '../weights/keras-h5.ts'
import { closedShape, readConfig, type FileModel } from './config-graph.ts'
import type { ModelFile } from './read-model.ts'
import { manifestFiles, readManifestWeights } from './tfjs-weights.ts'

/** No model.json is nearly as long: the topology of NASNetLarge takes 1 MB. */
const MOST_BYTES = 2 ** 26

/**
 * Reads a tfjs LayersModel, its `model.json` at `path` and the weights beside it. Throws BAD_WEIGHTS (a GraphModel, unknown
 * layers, damaged or missing files) and WEIGHTS_MISMATCH; `source` stands for the file in messages.
 */
export async function readTfjsModel(path: string, source = path): Promise<ModelFile> {
  const { topology, manifest } = await readModelJson(path, source)
  const model = configOf(topology, source)
  const input = model.graph.layers.find(({ name }) => name === model.graph.input)
  const { shape } = input!.config as { shape: readonly number[] }
  const graph = rebuildGraph(model.graph, { inputShape: closedShape(shape) })
  const tensors = await readManifestWeights(manifest, path, source)
  return {
    graph: model.graph,
    weights: valuesOf(model, graph, tensors, source),
    notes: model.notes,
  }
}

/** The architecture alone, without a look at the values. Throws what `readTfjsModel` does. */
export async function readTfjsGraph(path: string, source = path): Promise<StoredGraph> {
  return (await readTfjsArchitecture(path, source)).graph
}

/** The same, with what is left out of it. */
export async function readTfjsArchitecture(path: string, source = path): Promise<FileModel> {
  return configOf((await readModelJson(path, source)).topology, source)
}

/**
 * The weights of a `model.json` poured into a base model, whatever topology it has, if any: by name where the file has all
 * names, else in order as Keras does. Throws BAD_WEIGHTS and WEIGHTS_MISMATCH.
 */
export async function readTfjsWeights(
  path: string,
  graph: LayerGraph,
  source = path,
): Promise<WeightMap> {
  const { manifest } = await readModelJson(path, source)
  const layers = layersOf(await readManifestWeights(manifest, path, source))
  const wanted = graph.layers.filter(({ weights }) => weights.length > 0)
  if (!wanted.every(({ name }) => layers.has(name))) {
    return assignByOrder(graph, [...layers.values()], source)
  }
  const tensors = wanted.flatMap(({ name, weights }) =>
    weights.flatMap((spec): [string, NamedTensor][] => {
      const found = layers.get(name)!.weights.find((w) => isWeight(w.name, spec, name))
      return found ? [[spec.name, found]] : []
    }),
  )
  return assignByName(graph, new Map(tensors), source)
}

/** The file and those of its weights, absolute: what a model depends on. Throws BAD_WEIGHTS. */
export async function tfjsFiles(path: string, source = path): Promise<string[]> {
  const { manifest } = await readModelJson(path, source)
  return [path, ...manifestFiles(manifest, path, source)]
}

interface ModelJson {
  /** Null where the file holds weights only. */
  readonly topology: Json
  readonly manifest: Json
}

async function readModelJson(path: string, source: string): Promise<ModelJson> {
  const bad = (what: string, hint?: string, cause?: unknown) =>
    failure('BAD_WEIGHTS', `${source} ${what}`, { hint, cause })
  const text = await readSmall(path).catch((error: unknown) => {
    const hint = existsSync(join(path, 'model.json')) ? 'name the model.json in it' : undefined
    throw bad('cannot be read', hint, error)
  })
  if (text === undefined) throw bad(`has more than ${MOST_BYTES / 2 ** 20} MiB`)
  let json: Json
  try {
    json = JSON.parse(text) as Json
  } catch (error) {
    throw bad('is no JSON', 'give the model.json of a tfjs model', error)
  }
  if (!isObject(json) || json['weightsManifest'] === undefined) {
    throw bad('is no model.json of tfjs: it has no weightsManifest')
  }
  const { modelTopology: topology = null, weightsManifest: manifest = null, format } = json
  if (format === 'graph-model' || (isObject(topology) && 'node' in topology)) {
    const hint =
      'take a LayersModel (tensorflowjs_converter --output_format=tfjs_layers_model), or the SavedModel it was made of: {savedModel: FOLDER}'
    throw bad('is a tfjs GraphModel, which has no layers: it cannot be trained', hint)
  }
  return { topology, manifest }
}

async function readSmall(path: string): Promise<string | undefined> {
  const found = await stat(path)
  if (!found.isFile()) throw new TypeError(`${path} is no file`)
  return found.size > MOST_BYTES ? undefined : readFile(path, 'utf8')
}

function configOf(topology: Json, source: string): FileModel {
  if (topology !== null) return readConfig(topology, source)
  throw failure('BAD_WEIGHTS', `${source} holds weights without an architecture`, {
    hint: 'give them to the model that they are of, by name: baseModel: {name: NAME, weights: {path: FILE}}',
  })
}

/** tfjs finds a layer's weights by its name, and so a nested model's: theirs must all differ. */
function valuesOf(
  { names }: FileModel,
  graph: LayerGraph,
  tensors: ReadonlyMap<string, NamedTensor>,
  source: string,
): WeightMap {
  const layers = layersOf(tensors)
  const specs = new Map(graph.layers.map(({ name, weights }) => [name, weights]))
  const values = new Map<string, Float32Array>()
  for (const [leaf, name] of names) {
    for (const [i, spec] of (specs.get(name) ?? []).entries()) {
      const own = layers.get(leaf.name)?.weights ?? []
      const found = own.find((w) => isWeight(w.name, spec, name)) ?? numbered(own, i)
      if (!found) {
        const short = spec.name.slice(name.length + 1)
        throw failure('BAD_WEIGHTS', `${source} has no weight ${leaf.name}/${short}`)
      }
      if (found.shape.join() !== spec.shape.join()) {
        throw failure(
          'WEIGHTS_MISMATCH',
          `${source}: ${found.name} is [${found.shape.join(', ')}], and its layer takes [${spec.shape.join(', ')}]`,
        )
      }
      values.set(spec.name, found.data)
    }
  }
  return values
}

/** Weights by the layers that their names say, in the order of first appearance. */
function layersOf(tensors: ReadonlyMap<string, NamedTensor>): Map<string, FileLayer> {
  const layers = new Map<string, { name: string; weights: FileLayer['weights'][number][] }>()
  for (const [name, tensor] of tensors) {
    const owner = name.slice(0, Math.max(0, name.lastIndexOf('/')))
    const layer = layers.get(owner) ?? { name: owner, weights: [] }
    layers.set(owner, layer)
    layer.weights.push({ ...tensor, name })
  }
  return layers
}

/** Keras 2 and tfjs call the kernel of a DepthwiseConv2D otherwise than Keras 3. */
function isWeight(file: string, { name }: WeightSpec, layer: string): boolean {
  const theirs = file.slice(file.lastIndexOf('/') + 1)
  const ours = name.slice(layer.length + 1)
  return theirs === ours || (theirs === 'depthwise_kernel' && ours === 'kernel')
}

/** `dense/0`, `dense/1`: how the converter names the weights of some models of Keras 3. */
function numbered(
  weights: FileLayer['weights'],
  i: number,
): FileLayer['weights'][number] | undefined {
  return weights.find(({ name }) => name.endsWith(`/${i}`))
}

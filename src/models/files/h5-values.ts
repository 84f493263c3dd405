import { failure } from '../../util/diagnostic.ts'
import { snakeCase } from '../graph-builder.ts'
import type { LayerGraph, WeightMap, WeightSpec } from '../layer-graph.ts'
import type { Hdf5Group } from '../weights/hdf5.ts'
import type { FileModel } from './config-graph.ts'
import { isOperation } from './operations.ts'
import type { Topology, TopologyLayer } from './topology.ts'

/** A weight of a layer: what it is in the graph and where the file has it. */
interface Place {
  readonly layer: string
  readonly spec: WeightSpec
  /** The group next to it: it is quicker than the way from the root for each. */
  readonly group: Hdf5Group
  /** In the group. */
  readonly key: string
  /** What messages call it. */
  readonly path: string
}

/**
 * The values of a whole model's weights from an open HDF5 file that Keras wrote with it: the .h5 of old
 * (`model_weights`), or the `model.weights.h5` of a .keras archive. Every shape is checked before its values are read.
 * Throws BAD_WEIGHTS for what is missing, WEIGHTS_MISMATCH for other shapes than the model's.
 */
export function readValues(
  model: FileModel,
  graph: LayerGraph,
  file: Hdf5Group,
  source: string,
): WeightMap {
  const root = file.group('model_weights')
  const places = root
    ? legacyPlaces(model, graph, root, source)
    : varsPlaces(model, graph, file, source)
  const values = new Map<string, Float32Array>()
  for (const place of places) values.set(place.spec.name, read(place, source))
  return values
}

function read({ layer, spec: { shape }, group, key, path }: Place, source: string): Float32Array {
  const found = group.shape(key)
  if (!found) {
    throw failure('BAD_WEIGHTS', `${source} has no ${path}, a weight of its layer "${layer}"`)
  }
  if (found.join() !== shape.join()) {
    throw failure(
      'WEIGHTS_MISMATCH',
      `${source}: ${path} is [${found.join(', ')}], and its layer "${layer}" takes [${shape.join(', ')}]`,
    )
  }
  return group.tensor(key)!.data
}

/** The weights of the graph's layer that the file's layer became; none where it has none. */
function specsOf({ names }: FileModel, graph: LayerGraph) {
  const layers = new Map(graph.layers.map((layer) => [layer.name, layer.weights]))
  return (leaf: TopologyLayer): readonly WeightSpec[] => layers.get(names.get(leaf) ?? '') ?? []
}

/**
 * Keras 3 (keras/src/saving/saving_lib.py): `layers/<class in snake case>[_n]/vars/<i>`, a model within under the
 * `layers` of its own. Releases before 2.14 say `_layer_checkpoint_dependencies` for `layers`.
 */
function* varsPlaces(
  model: FileModel,
  graph: LayerGraph,
  file: Hdf5Group,
  source: string,
): Generator<Place> {
  const folder = varsFolder(file)
  if (!folder) {
    throw failure('BAD_WEIGHTS', `${source}: its weights are in no layout of Keras'`)
  }
  const specs = specsOf(model, graph)
  for (const [leaf, path] of varsPaths(model.topology, folder)) {
    const own = specs(leaf)
    if (own.length === 0) continue
    const group = file.group(path)
    const found = group?.keys().length ?? 0
    if (!group || found !== own.length) throw count(source, leaf.name, found, own.length)
    for (const [i, spec] of own.entries()) {
      yield { layer: leaf.name, spec, group, key: String(i), path: `${path}/${i}` }
    }
  }
}

/** Undefined where a file is in no layout of Keras 3's. */
export function varsFolder(file: Hdf5Group): string | undefined {
  return ['layers', '_layer_checkpoint_dependencies'].find((name) => file.group(name))
}

export function* varsPaths(
  topology: Pick<Topology, 'layers' | 'sequential'>,
  folder: string,
  above = '',
): Generator<[TopologyLayer, string]> {
  const counts = new Map<string, number>()
  for (const layer of topology.layers) {
    const { class_name } = layer.layer
    // Keras lists neither a Sequential's InputLayer nor, since Keras 3, functions.
    if (topology.sequential && class_name === 'InputLayer') continue
    if (isOperation(layer) && class_name !== 'TFOpLambda') continue
    const kind = snakeCase(class_name)
    const before = counts.get(kind) ?? 0
    counts.set(kind, before + 1)
    const path = `${above}${folder}/${before === 0 ? kind : `${kind}_${before}`}`
    if (layer.model) yield* varsPaths(layer.model, folder, `${path}/`)
    else yield [layer, `${path}/vars`]
  }
}

/**
 * Keras 1 and 2, and .h5 files of Keras 3 (keras/src/legacy/saving/legacy_h5_format.py): a group for each layer of
 * the outermost model, with the names of its weights in order. A model within is one layer there: first what is
 * trainable of it, layer by layer, then what is not.
 */
function* legacyPlaces(
  model: FileModel,
  graph: LayerGraph,
  root: Hdf5Group,
  source: string,
): Generator<Place> {
  const specs = specsOf(model, graph)
  for (const layer of model.topology.layers) {
    const all = [...owned(layer, true)].flatMap(({ leaf, trainable }) =>
      specs(leaf).map((spec) => ({
        layer: leaf.name,
        spec,
        trainable: trainable && spec.trainable,
      })),
    )
    if (all.length === 0) continue
    const group = root.group(layer.name)
    const keys = group?.texts('weight_names') ?? []
    if (!group || keys.length !== all.length) {
      throw count(source, layer.name, keys.length, all.length)
    }
    const ordered = layer.model
      ? [...all.filter((w) => w.trainable), ...all.filter((w) => !w.trainable)]
      : all
    for (const [i, { layer: name, spec }] of ordered.entries()) {
      const key = keys[i]!
      yield { layer: name, spec, group, key, path: `${layer.name}/${key}` }
    }
  }
}

/** A layer, or the layers of a model, in order, and whether the file says that training changes them. */
function* owned(
  layer: TopologyLayer,
  above: boolean,
): Generator<{ leaf: TopologyLayer; trainable: boolean }> {
  const trainable = above && layer.layer.config['trainable'] !== false
  if (!layer.model) yield { leaf: layer, trainable }
  else for (const inner of layer.model.layers) yield* owned(inner, trainable)
}

function count(source: string, layer: string, found: number, wanted: number) {
  return failure(
    found === 0 ? 'BAD_WEIGHTS' : 'WEIGHTS_MISMATCH',
    `${source} has ${found === 0 ? 'no' : found} weights for its layer "${layer}", which takes ${wanted}`,
  )
}

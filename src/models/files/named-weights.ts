import { failure, type PipelineError } from '../../util/diagnostic.ts'
import type { LayerGraph, WeightMap } from '../layer-graph.ts'
import { assignByOrder } from '../weights/assign.ts'
import type { Hdf5Group } from '../weights/hdf5.ts'
import { varsFolder, varsPaths } from './h5-values.ts'
import { closedGraph, readModelFile } from './read-model.ts'
import type { TopologyLayer } from './topology.ts'

/**
 * The weights of a .keras file for a model that is built by name: by order, as with the .h5 of old, since automatic
 * names differ. Throws what `readModelFile` does, and WEIGHTS_MISMATCH.
 */
export async function readArchiveWeights(
  path: string,
  graph: LayerGraph,
  source: string,
): Promise<WeightMap> {
  const { graph: stored, weights } = await readModelFile(path, source)
  const layers = closedGraph(stored).layers.map(({ name, weights: specs }) => ({
    name,
    weights: specs.map((spec) => ({ ...spec, data: weights.get(spec.name)! })),
  }))
  return assignByOrder(graph, layers, source)
}

/**
 * The weights of a .weights.h5 file of Keras 3 for a model that is built by name: by the classes of its layers, which
 * name the file's groups. Throws WEIGHTS_MISMATCH, naming the first layer that differs.
 */
export function readVarsWeights(file: Hdf5Group, graph: LayerGraph, source: string): WeightMap {
  const folder = varsFolder(file)!
  const specs = new Map(graph.layers.map((layer) => [layer.name, layer.weights]))
  const values = new Map<string, Float32Array>()
  const groups = new Set<string>()
  for (const [{ name }, path] of varsPaths({ layers: listed(graph), sequential: false }, folder)) {
    groups.add(path.split('/')[1]!)
    const own = specs.get(name) ?? []
    if (own.length === 0) continue
    const group = file.group(path)
    const found = shapesIn(group)
    if (found.length !== own.length || own.some((w, i) => found[i] !== w.shape.join(', '))) {
      const theirs = found.map((shape) => `[${shape}]`).join(' ') || 'nothing'
      const ours = own.map(({ shape }) => `[${shape.join(', ')}]`).join(' ')
      throw mismatch(graph, source, `${path} has ${theirs}, the model ${name} with ${ours}`)
    }
    for (const [i, { name: weight }] of own.entries()) {
      values.set(weight, group!.tensor(String(i))!.data)
    }
  }
  const surplus = file
    .group(folder)!
    .keys()
    .find((key) => !groups.has(key) && shapesIn(file.group(`${folder}/${key}/vars`)).length > 0)
  if (surplus !== undefined) throw mismatch(graph, source, `the model has no ${folder}/${surplus}`)
  return values
}

function shapesIn(group: Hdf5Group | undefined): string[] {
  const count = group?.keys().length ?? 0
  return Array.from(
    { length: count },
    (_, i) => group?.shape(String(i))?.join(', ') ?? 'no numbers',
  )
}

/** What Keras lists in `model.layers`; a nested model of keras.applications is a Sequential. */
function listed({ layers }: LayerGraph): TopologyLayer[] {
  const own: TopologyLayer[] = []
  const nested = new Map<string, TopologyLayer[]>()
  for (const { name, kind, listed: place } of layers) {
    if (place === 'nowhere') continue
    const layer = layerOf(name, kind)
    if (!place) own.push(layer)
    else if (nested.has(place.within)) nested.get(place.within)!.push(layer)
    else {
      const inner = [layer]
      nested.set(place.within, inner)
      own.push({ ...layerOf(place.within, 'Sequential'), model: modelOf(place.within, inner) })
    }
  }
  return own
}

function layerOf(name: string, kind: string): TopologyLayer {
  const layer = { class_name: kind, config: { name }, module: 'keras.layers' }
  return { name, layer, format: 'keras3', model: undefined, calls: [] }
}

function modelOf(name: string, layers: readonly TopologyLayer[]) {
  const ends = { inputs: [], outputs: [], builtOn: undefined }
  return {
    name,
    className: 'Sequential',
    sequential: true,
    layers,
    format: 'keras3',
    ...ends,
  } as const
}

function mismatch(graph: LayerGraph, source: string, what: string): PipelineError {
  return failure('WEIGHTS_MISMATCH', `${source} does not fit ${graph.name}: ${what}`, {
    hint: 'check baseModel.name, alpha and includeTop against the model that the file was saved from',
  })
}

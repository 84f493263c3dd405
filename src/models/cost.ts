import { sizeOf } from '../program/program.ts'
import { definitionOf } from './layers/table.ts'
import type { Layer, LayerGraph } from './layer-graph.ts'

/** Multiplications (each with an addition) of one forward pass of one picture: those of convolutions and dense layers. */
export function multiplyAdds(graph: Pick<LayerGraph, 'layers'>): number {
  return graph.layers.reduce((sum, layer) => sum + ofLayer(layer), 0)
}

/** By layer, where it takes a while to find out. */
const known = new WeakMap<Layer, number>()

function ofLayer(layer: Layer): number {
  const { multiplyAdds: own } = definitionOf(layer.kind)
  if (own) {
    const shapes = layer.inputs.map((input) => input.outputShape)
    const count = known.get(layer) ?? own(layer.config, shapes)
    known.set(layer, count)
    return count
  }
  const kernels = layer.weights.filter(({ name }) => name.endsWith('kernel'))
  if (layer.kind === 'Dense') return kernels.reduce((sum, { shape }) => sum + sizeOf(shape), 0)
  const cells = layer.outputShape.length === 3 ? layer.outputShape[0]! * layer.outputShape[1]! : 0
  // Every weight of a kernel is used once for each cell of the output; a separable one's two kernels likewise.
  return cells * kernels.reduce((sum, { shape }) => sum + sizeOf(shape), 0)
}

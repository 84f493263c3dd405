import type { LayerGraph, WeightMap } from '../models/layer-graph.ts'
import { lower } from '../models/lower.ts'
import { preprocess, type Preprocessing } from '../models/preprocessing.ts'
import { Builder } from '../program/builder.ts'
import { sizeOf, type Program, type Shape } from '../program/program.ts'
import { simplify } from '../program/simplify.ts'
import { PIXELS, threeChannels } from './trunk.ts'

/** The entry, and its fetch. */
export const PREDICT = 'predict'
export const OUTPUTS = 'outputs'

/**
 * A whole model for predicting: entry `predict`, `pixels` [batch, height, width, 1 or 3] in 0..255 -> `outputs`
 * [batch, width], what the last layer gives. Weights are constants, batch norm is folded.
 */
export function predictProgram(
  {
    graph,
    weights,
    preprocessing,
  }: {
    readonly graph: LayerGraph
    readonly weights: WeightMap
    readonly preprocessing: Preprocessing
  },
  pixels: { readonly shape: Shape; readonly dtype?: 'uint8' | 'float32' },
): { readonly program: Program; readonly width: number } {
  const b = new Builder()
  const input = b.input(PIXELS, pixels.shape, pixels.dtype ?? 'uint8')
  const isGrey = graph.input.outputShape[2] === 1
  const x = preprocess(b, isGrey ? input : threeChannels(b, input), preprocessing)
  const { output } = lower(b, graph, { weights, start: { [graph.input.name]: x } })
  b.entry(PREDICT, { fetches: { [OUTPUTS]: output }, updates: [] })
  return { program: simplify(b.program()), width: sizeOf(graph.output.outputShape) }
}

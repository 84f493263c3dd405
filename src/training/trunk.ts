import { Builder } from '../program/builder.ts'
import { simplify } from '../program/simplify.ts'
import type { Program, Shape, Tensor } from '../program/program.ts'
import { addHead } from '../models/head.ts'
import { buildBaseModel } from '../models/base-model.ts'
import { type BaseModelOptions } from '../models/published.ts'
import type { LayerGraph, WeightMap } from '../models/layer-graph.ts'
import { lower } from '../models/lower.ts'
import { preprocess, type Preprocessing } from '../models/preprocessing.ts'
import type { TailLayer } from './tail.ts'

export interface TrunkOptions {
  readonly model: BaseModelOptions
  /** The head's first layer where it is a pooling: features are stored behind it, a fiftieth of the bytes. */
  readonly tail?: TailLayer | undefined
  readonly preprocessing: Preprocessing
}

/** The frozen layers that every picture passes once. */
export function frozenGraph({ model, tail }: Pick<TrunkOptions, 'model' | 'tail'>): LayerGraph {
  const trunk = buildBaseModel(model)
  return tail ? addHead(trunk, [tail], 1) : trunk
}

/**
 * The frozen pass as a Program with one entry, `features`: `pixels` uint8 [batch, height, width, channels] in 0..255 ->
 * `features` float32 [batch, ...]. One channel is repeated to three. Weights are constants, batch norm is folded.
 */
export function trunkProgram(
  options: TrunkOptions,
  weights: WeightMap,
  pixels: Shape,
): { program: Program; outputShape: Shape } {
  const graph = frozenGraph(options)
  const b = new Builder()
  const input = b.input('pixels', pixels, 'uint8')
  const x = preprocess(b, threeChannels(b, input), options.preprocessing)
  const { output } = lower(b, graph, { weights, start: { [graph.input.name]: x } })
  b.entry('features', { fetches: { features: output }, updates: [] })
  return { program: simplify(b.program()), outputShape: graph.output.outputShape }
}

function threeChannels(b: Builder, x: Tensor): Tensor {
  return x.shape[3] === 1 ? b.concat([x, x, x], 3) : x
}

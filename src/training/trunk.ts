import { Builder } from '../program/builder.ts'
import { simplify } from '../program/simplify.ts'
import type { Program, Shape, Tensor } from '../program/program.ts'
import { addHead } from '../models/head.ts'
import { buildModel, type ModelChoice } from '../models/base-model.ts'
import type { LayerGraph, WeightMap } from '../models/layer-graph.ts'
import { lower } from '../models/lower.ts'
import { preprocess, type Preprocessing } from '../models/preprocessing.ts'
import type { TailLayer } from './tail.ts'

export interface TrunkOptions {
  readonly model: ModelChoice
  /** The head's first layers where they belong to the frozen pass: behind a pooling a fiftieth of the bytes is stored. */
  readonly tail?: readonly TailLayer[] | undefined
  readonly preprocessing: Preprocessing
  /** The layers whose outputs are kept, in the graph's order; default the last one. */
  readonly ends?: readonly string[] | undefined
}

/** The feed of pictures: [batch, height, width, channels] in 0..255, uint8, or float32 where they are augmented. */
export const PIXELS = 'pixels'

/** The fetch, and later the feed, of a layer's output. */
export function featureName(layer: string): string {
  return `features/${layer}`
}

/** The layers that every picture passes once. */
export function frozenGraph({ model, tail }: Pick<TrunkOptions, 'model' | 'tail'>): LayerGraph {
  const trunk = buildModel(model)
  return tail && tail.length > 0 ? addHead(trunk, tail, 1) : trunk
}

/** What is kept of a picture: layers and the shapes of their outputs. */
export function keptOutputs(
  options: Pick<TrunkOptions, 'model' | 'tail' | 'ends'>,
): { readonly layer: string; readonly shape: Shape }[] {
  const graph = frozenGraph(options)
  const ends = options.ends ?? [graph.output.name]
  return ends.map((name) => {
    const found = graph.layers.find((layer) => layer.name === name)
    if (!found) throw new TypeError(`no layer ${name}`)
    return { layer: name, shape: found.outputShape }
  })
}

/**
 * The frozen pass as a Program with one entry, `features`: `pixels` -> `features/LAYER` float32 [batch, ...] of each of
 * `ends`. One channel is repeated to three. Weights are constants, batch norm is folded.
 */
export function trunkProgram(
  options: TrunkOptions,
  weights: WeightMap,
  pixels: { readonly shape: Shape; readonly dtype?: 'uint8' | 'float32' },
): { readonly program: Program; readonly kept: ReturnType<typeof keptOutputs> } {
  const graph = frozenGraph(options)
  const ends = options.ends ?? [graph.output.name]
  const b = new Builder()
  const input = b.input(PIXELS, pixels.shape, pixels.dtype ?? 'uint8')
  const x = preprocess(b, threeChannels(b, input), options.preprocessing)
  const { outputs } = lower(b, graph, { weights, start: { [graph.input.name]: x }, ends })
  b.entry('features', {
    fetches: Object.fromEntries(ends.map((name) => [featureName(name), outputs[name]!])),
    updates: [],
  })
  return { program: simplify(b.program()), kept: keptOutputs(options) }
}

export function threeChannels(b: Builder, x: Tensor): Tensor {
  return x.shape[3] === 1 ? b.concat([x, x, x], 3) : x
}

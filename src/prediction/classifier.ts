import type { PixelParams } from '../data/picture.ts'
import { isBinary } from '../models/labels.ts'
import type { LayerGraph, WeightMap } from '../models/layer-graph.ts'
import type { Preprocessing } from '../models/preprocessing.ts'
import { sizeOf } from '../program/program.ts'
import { failure } from '../util/diagnostic.ts'

/**
 * A network that names pictures, wherever it comes from (a name of the catalogue, a run, a file, a module): all that
 * predicting needs.
 */
export interface Classifier {
  /** On pictures of `input.imageSize`; ends in a row of numbers. */
  readonly graph: LayerGraph
  /** Of every layer. */
  readonly weights: WeightMap
  readonly preprocessing: Preprocessing
  /** How a picture becomes the pixels that it takes. */
  readonly input: PixelParams
  /** What makes probabilities of the outputs; `none` where the last layer does. */
  readonly activation: OutputActivation
  /** One for each output; two for the one of a sigmoid. */
  readonly labels: readonly string[]
}

export type OutputActivation = 'none' | 'softmax' | 'sigmoid'

/** How many outputs a network has. Throws WRONG_VALUE where it does not end in a row of them; `model` is its name in messages. */
export function outputsOf({ output }: LayerGraph, model: string): number {
  if (output.outputShape.length === 1) return sizeOf(output.outputShape)
  throw failure(
    'WRONG_VALUE',
    `${model} ends in ${output.name} of ${output.outputShape.join('x')}, not in a row of classes`,
    { hint: 'a prediction needs the whole model, with its top' },
  )
}

/** Probabilities of one picture, one for each label, of `outputs` of the last layer. */
export function probabilitiesOf(
  outputs: Float32Array,
  { labels, activation }: Pick<Classifier, 'labels' | 'activation'>,
): Float64Array {
  const values = activated(outputs, activation)
  return isBinary(labels, outputs.length) ? Float64Array.of(1 - values[0]!, values[0]!) : values
}

function activated(outputs: Float32Array, activation: OutputActivation): Float64Array {
  const values = Float64Array.from(outputs)
  if (activation === 'sigmoid') return values.map((x) => 1 / (1 + Math.exp(-x)))
  if (activation === 'none') return values
  const most = values.reduce((a, b) => Math.max(a, b), -Infinity)
  const powers = values.map((x) => Math.exp(x - most))
  const sum = powers.reduce((a, b) => a + b, 0)
  return powers.map((x) => x / sum)
}

/** The places of the `count` largest values, the largest first; of equal ones the first. */
export function largest(values: Float64Array, count: number): number[] {
  const places: number[] = []
  for (let i = 0; i < values.length; i += 1) {
    if (places.length === count && values[i]! <= values[places.at(-1)!]!) continue
    const before = places.findIndex((place) => values[place]! < values[i]!)
    places.splice(before < 0 ? places.length : before, 0, i)
    if (places.length > count) places.pop()
  }
  return places
}

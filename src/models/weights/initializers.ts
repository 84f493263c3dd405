import type { Shape } from '../../program/program.ts'
import { sizeOf } from '../../program/program.ts'
import { fillUniform, stream } from '../../util/rng.ts'
import type { InitializerConfig, LayerGraph, Layer, WeightMap } from '../layer-graph.ts'

type Key = readonly (string | number)[]
type Fill = (shape: Shape, arguments_: InitializerConfig, key: Key) => Float32Array

/**
 * Keras' initializers by name (keras/src/initializers/random_initializers.py), over our own counter-based draws: the
 * distributions are Keras', the numbers are not.
 */
export const INITIALIZERS: Readonly<Record<string, Fill>> = {
  Zeros: (shape) => new Float32Array(sizeOf(shape)),
  Ones: (shape) => new Float32Array(sizeOf(shape)).fill(1),
  Constant: (shape, a) => new Float32Array(sizeOf(shape)).fill(number(a, 'value', 0)),
  RandomUniform: (shape, a, key) =>
    uniform(shape, number(a, 'minval', -0.05), number(a, 'maxval', 0.05), key),
  RandomNormal: (shape, a, key) =>
    normal(shape, number(a, 'mean', 0), number(a, 'stddev', 0.05), key),
  TruncatedNormal: (shape, a, key) =>
    truncated(shape, number(a, 'mean', 0), number(a, 'stddev', 0.05), key),
  GlorotUniform: scaled(1, 'average', 'uniform'),
  GlorotNormal: scaled(1, 'average', 'normal'),
  HeUniform: scaled(2, 'in', 'uniform'),
  HeNormal: scaled(2, 'in', 'normal'),
  LecunUniform: scaled(1, 'in', 'uniform'),
  LecunNormal: scaled(1, 'in', 'normal'),
  VarianceScaling: (shape, a, key) => {
    const fan = FANS[text(a, 'mode', 'fanIn')]
    const distribution = DISTRIBUTIONS[text(a, 'distribution', 'truncatedNormal')]
    if (!fan || !distribution) throw new TypeError(`VarianceScaling of ${JSON.stringify(a)}`)
    return scaled(number(a, 'scale', 1), fan, distribution)(shape, a, key)
  },
}

type Fan = 'in' | 'out' | 'average'
type Distribution = 'uniform' | 'normal' | 'untruncated'
const FANS: Readonly<Record<string, Fan>> = { fanIn: 'in', fanOut: 'out', fanAvg: 'average' }
const DISTRIBUTIONS: Readonly<Record<string, Distribution>> = {
  truncatedNormal: 'normal',
  untruncatedNormal: 'untruncated',
  uniform: 'uniform',
}

/** Fresh values for every weight of the layers; each weight draws from its own stream (seed, its name). */
export function initialize(layers: LayerGraph | readonly Layer[], seed: number): WeightMap {
  const values = new Map<string, Float32Array>()
  const list: readonly Layer[] = 'layers' in layers ? layers.layers : layers
  for (const layer of list) {
    for (const { name, shape, initializer } of layer.weights) {
      const fill = INITIALIZERS[initializer.name]
      if (!fill) throw new TypeError(`no initializer ${initializer.name}`)
      values.set(name, fill(shape, initializer, [seed, 'initial', name]))
    }
  }
  return values
}

function scaled(scale: number, fan: Fan, distribution: Distribution): Fill {
  return (shape, _, key) => {
    const [fanIn, fanOut] = fans(shape)
    const count = { in: fanIn, out: fanOut, average: (fanIn + fanOut) / 2 }[fan]
    const variance = scale / Math.max(1, count)
    if (distribution === 'untruncated') return normal(shape, 0, Math.sqrt(variance), key)
    if (distribution === 'uniform') {
      const limit = Math.sqrt(3 * variance)
      return uniform(shape, -limit, limit, key)
    }
    // The standard deviation of a normal cut at two deviations is this much smaller.
    return truncated(shape, 0, Math.sqrt(variance) / 0.87962566103423978, key)
  }
}

/** [fan in, fan out] as Keras counts them: the receptive field times channels. */
export function fans(shape: Shape): [number, number] {
  if (shape.length === 0) return [1, 1]
  if (shape.length === 1) return [shape[0]!, shape[0]!]
  const field = sizeOf(shape.slice(0, -2))
  return [field * shape.at(-2)!, field * shape.at(-1)!]
}

function uniform(shape: Shape, low: number, high: number, key: Key): Float32Array {
  return fillUniform(new Float32Array(sizeOf(shape)), low, high, ...key)
}

function normal(shape: Shape, mean: number, deviation: number, key: Key): Float32Array {
  const draws = stream(...key)
  return new Float32Array(sizeOf(shape)).map(() => mean + deviation * draws.normal())
}

/** Normal draws, those beyond two deviations drawn again. */
function truncated(shape: Shape, mean: number, deviation: number, key: Key): Float32Array {
  const draws = stream(...key)
  return new Float32Array(sizeOf(shape)).map(() => {
    let draw = draws.normal()
    while (Math.abs(draw) > 2) draw = draws.normal()
    return mean + deviation * draw
  })
}

function number(config: InitializerConfig, name: string, fallback: number): number {
  const value = config[name]
  return typeof value === 'number' ? value : fallback
}

function text(config: InitializerConfig, name: string, fallback: string): string {
  const value = config[name]
  return typeof value === 'string' ? value : fallback
}

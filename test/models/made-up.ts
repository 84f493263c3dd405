import type { Layer, LayerGraph, WeightMap } from '../../src/models/layer-graph.ts'
import { sizeOf } from '../../src/program/program.ts'

/** How weights differ from the plain formula: for runs of whole models (test/golden/model_runs.py). */
export interface MadeUpOptions {
  /** By layer: its kernel times 2 to the power of this. */
  readonly gains?: ReadonlyMap<string, number>
  /** Added to every beta; default 0. */
  readonly lift?: number
}

/** Weights and pictures of test/golden/models.py, from the same formula. */
export function madeUpWeights(graph: LayerGraph, options: MadeUpOptions = {}): WeightMap {
  return new Map(
    graph.layers.flatMap((layer) =>
      layer.weights.map(({ name, shape }) => {
        return [name, adapted(layer, name, madeUp(layer, name, shape), options)] as const
      }),
    ),
  )
}

function adapted(
  layer: Layer,
  name: string,
  values: Float32Array,
  { gains, lift = 0 }: MadeUpOptions,
): Float32Array {
  const short = name.slice(layer.name.length + 1)
  const factor = 2 ** (gains?.get(layer.name) ?? 0)
  if (factor !== 1 && KERNELS.has(short)) return values.map((v) => v * factor)
  return lift !== 0 && short === 'beta' ? values.map((v) => v + lift) : values
}

/** What a gain is for. */
const KERNELS: ReadonlySet<string> = new Set(['kernel', 'pointwise_kernel'])

/** The gains of a graph's layers with kernels, which stand in its order. */
export function gainsOf(graph: LayerGraph, gains: readonly number[]): Map<string, number> {
  const layers = graph.layers.filter(({ name, weights }) =>
    weights.some((weight) => KERNELS.has(weight.name.slice(name.length + 1))),
  )
  if (layers.length !== gains.length) throw new TypeError(`${layers.length} layers with kernels`)
  return new Map(layers.map(({ name }, i) => [name, gains[i]!]))
}

/** The norm of values and their product with made-up numbers, as large as the norm if they are many. */
export function sketch(name: string, values: Float32Array): { norm: number; product: number } {
  const others = uniforms(`sketch ${name}`, values.length)
  let squares = 0
  let product = 0
  values.forEach((value, i) => {
    squares += value * value
    product += value * others[i]!
  })
  return { norm: Math.sqrt(squares), product: product * Math.sqrt(3) }
}

function madeUp(layer: Layer, name: string, shape: readonly number[]): Float32Array {
  const short = name.slice(layer.name.length + 1)
  const values = uniforms(name, sizeOf(shape))
  if (/^(gamma|(moving_)?variance)$/.test(short)) return values.map((v) => 1 + v * 0.5)
  if (!short.endsWith('kernel')) return values.map((v) => v * 0.25)
  const depthwise = short === 'depthwise_kernel' || layer.kind === 'DepthwiseConv2D'
  const fanIn = sizeOf(shape.slice(0, depthwise ? -2 : -1))
  const gain = Math.fround(Math.sqrt(6 / fanIn))
  return values.map((v) => v * gain)
}

/** [batch, height, width, 3] of whole numbers 0..255; `number` says which of several. */
export function madeUpPicture(
  batch: number,
  height: number,
  width: number,
  number = 0,
): Uint8Array {
  const values = uniforms(number ? `picture ${number}` : 'picture', batch * height * width * 3)
  return Uint8Array.from(values, (v) => Math.floor((v + 1) * 128))
}

/** The n-th input of a single layer: [-4, 4). */
export function madeUpInput(n: number, shape: readonly number[]): Float32Array {
  return uniforms(`input${n}`, sizeOf(shape)).map((v) => v * 4)
}

/** [-1, 1), by a hash of name and index. */
function uniforms(name: string, count: number): Float32Array {
  const start = fnv1a(name)
  return Float32Array.from({ length: count }, (_, index) => {
    let x = (Math.imul(index, 2654435761) + start) >>> 0
    x ^= x >>> 16
    x = Math.imul(x, 2246822519) >>> 0
    x ^= x >>> 13
    x = Math.imul(x, 3266489917) >>> 0
    x ^= x >>> 16
    return (x >>> 8) / 2 ** 23 - 1
  })
}

function fnv1a(text: string): number {
  let value = 2166136261
  for (const byte of Buffer.from(text)) value = Math.imul(value ^ byte, 16777619) >>> 0
  return value
}

import type { Layer, LayerGraph, WeightMap } from '../../src/models/layer-graph.ts'
import { sizeOf } from '../../src/program/program.ts'

/** Weights and pictures of test/golden/models.py, from the same formula. */
export function madeUpWeights(graph: LayerGraph): WeightMap {
  return new Map(
    graph.layers.flatMap((layer) =>
      layer.weights.map(({ name, shape }) => [name, madeUp(layer, name, shape)] as const),
    ),
  )
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

/** [batch, height, width, 3] of whole numbers 0..255. */
export function madeUpPicture(batch: number, height: number, width: number): Uint8Array {
  const values = uniforms('picture', batch * height * width * 3)
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

import type { Lerps } from './resample-filters.ts'
import {
  doWhile,
  f32x4,
  get,
  i16x8,
  i32,
  i32x4,
  i8x16,
  kernel,
  set,
  v128,
  type Code,
  type Kernel,
  type Local,
} from './wasm-emit.ts'

/**
 * TensorFlow's bilinear for RGB in WebAssembly: `lerpRow` and `interpolate` of resample-plain.ts, a pixel and sixteen
 * bytes at a time. SIMD float32 arithmetic is that of the plain loops, operation by operation.
 */
const ENTRY = 12

export function lerpTableSize(axis: Lerps): number {
  return axis.lerp.length * ENTRY
}

/** For each output: byte offsets of its left and right pixel, and the float32 weight of the right one. */
export function writeLerps(axis: Lerps, step: number, bytes: Uint8Array, address: number): number {
  const words = new Int32Array(bytes.buffer, address, axis.lerp.length * 3)
  const floats = new Float32Array(bytes.buffer, address, axis.lerp.length * 3)
  for (let i = 0; i < axis.lerp.length; i += 1) {
    words[i * 3] = axis.lower[i]! * step
    words[i * 3 + 1] = axis.upper[i]! * step
    floats[i * 3 + 2] = axis.lerp[i]!
  }
  return address + lerpTableSize(axis)
}

const add = (variable: Local, value: number): Code =>
  set(variable, i32.add(get(variable), i32.const(value)))

/** Three bytes at an address, and one more, as float32. */
const pixelAt = (address: Code): Code =>
  f32x4.convert(i32x4.extendLowU(i16x8.extendLowU(v128.load32Zero(address))))

const between = (a: Local, b: Code, weight: Code): Code =>
  f32x4.add(get(a), f32x4.mul(f32x4.sub(b, get(a)), weight))

/** One row of bytes to float32 pixels of 12 bytes; a pixel is written with 4 bytes too many. */
export const lerpColumns: Kernel = kernel('lerpColumns', 4, (parameters, fresh) => {
  const [source, target, table, tableEnd] = parameters as [Local, Local, Local, Local]
  const left = fresh.v128()
  const onePixel = [
    ...set(left, pixelAt(i32.add(get(source), i32.load(get(table))))),
    ...v128.store(
      get(target),
      between(
        left,
        pixelAt(i32.add(get(source), i32.load(get(table), 4))),
        v128.load32Splat(get(table), 8),
      ),
    ),
    ...add(target, 12),
    ...add(table, ENTRY),
  ]
  return doWhile(onePixel, i32.ne(get(table), get(tableEnd)))
})

/** Two float32 rows to `rowBytes` bytes, rounded; sixteen at a time, so up to 15 too many. */
export const lerpRows: Kernel = kernel('lerpRows', 5, (parameters, fresh) => {
  const [above, below, lerp, target, targetEnd] = parameters as [Local, Local, Local, Local, Local]
  const [a, weight] = [fresh.v128(), fresh.v128()]
  const four = [0, 16, 32, 48].map((offset) => ({ offset, rounded: fresh.v128() }))
  const sixteen = [
    ...four.flatMap(({ offset, rounded }) => [
      ...set(a, v128.load(get(above), offset)),
      ...set(
        rounded,
        i32x4.truncate(f32x4.nearest(between(a, v128.load(get(below), offset), get(weight)))),
      ),
    ]),
    ...v128.store(
      get(target),
      i8x16.narrowU(
        i16x8.narrowS(get(four[0]!.rounded), get(four[1]!.rounded)),
        i16x8.narrowS(get(four[2]!.rounded), get(four[3]!.rounded)),
      ),
    ),
    ...add(above, 64),
    ...add(below, 64),
    ...add(target, 16),
  ]
  return [
    ...set(weight, v128.load32Splat(get(lerp))),
    ...doWhile(sixteen, i32.ltU(get(target), get(targetEnd))),
  ]
})

export interface LerpKernels {
  readonly lerpColumns: (source: number, target: number, table: number, tableEnd: number) => void
  readonly lerpRows: (
    above: number,
    below: number,
    /** Address of the weight of the row below. */
    lerp: number,
    target: number,
    targetEnd: number,
  ) => void
}

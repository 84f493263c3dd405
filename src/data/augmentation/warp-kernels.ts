import {
  doWhile,
  f32x4,
  f64x2,
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
} from '../wasm-emit.ts'
import type { Affine } from './affine.ts'
import type { FillMode } from './augmentation.ts'
import type { Shape, Warp } from './warp-plain.ts'

/**
 * `warpPlain` in WebAssembly, a pixel at a time: its two coordinates are the two float64 of a vector, and so are two of
 * its values. The picture has a border of one pixel, as the pixels beside it.
 */
export const WARP_TABLE = 11 * 16

/** The constants of one call, as the kernels read them; `address` is a multiple of 16. */
export function writeWarp(
  { flipHorizontal, flipVertical, fillMode, cval }: Warp,
  affine: Affine,
  [height, width]: Shape,
  memory: ArrayBuffer,
  address: number,
): void {
  const table = new Float64Array(memory, address, WARP_TABLE / 8)
  const both = (value: number): [number, number] => [value, value]
  // scipy leaves an axis of one pixel at 0, but for `constant`.
  const still = (length: number): number => (length === 1 && fillMode !== 'constant' ? 0 : 1)
  const [rows, columns] = [
    affine.rows.map((value) => value * still(height)),
    affine.columns.map((value) => value * still(width)),
  ]
  table.set([
    ...[0, 1, 2].flatMap((i) => [rows[i]!, columns[i]!]),
    ...both(flipVertical ? height - 1 : 0),
    ...both(flipVertical ? -1 : 1),
    ...both(flipHorizontal ? width - 1 : 0),
    ...both(flipHorizontal ? -1 : 1),
    ...[height - 1, width - 1],
    ...[height, width],
    ...[2 * height, 2 * width],
  ])
  new Float32Array(memory, address + 160, 4).fill(cval)
}

interface Limits {
  readonly last: Code
  readonly size: Code
  readonly twice: Code
}

const zero = v128.const(Array.from({ length: 16 }, () => 0))
const doubles = (value: number): Code =>
  v128.const([...new Uint8Array(new Float64Array([value, value]).buffer)])

const clamp = (at: Local, { last }: Limits): Code => f64x2.min(f64x2.max(get(at), zero), last)

/** Brings a vector of coordinates, in `at`, to where there are pixels. `spare` may be written. */
const BORDERS: Readonly<Record<FillMode, (at: Local, limits: Limits, spare: Local) => Code>> = {
  nearest: (at, limits) => set(at, clamp(at, limits)),
  constant: (at, limits) => set(at, clamp(at, limits)),
  reflect: (at, { size, twice }, rest) => {
    const length = f64x2.abs(get(at))
    const turns = f64x2.truncate(f64x2.div(length, twice))
    const one = doubles(1)
    const left = v128.select(
      f64x2.sub(twice, get(rest)),
      f64x2.sub(f64x2.max(get(rest), doubles(1e-15)), one),
      f64x2.greater(get(rest), size),
    )
    const right = v128.select(
      f64x2.sub(f64x2.sub(twice, get(rest)), one),
      get(rest),
      f64x2.atLeast(get(rest), size),
    )
    return [
      ...set(rest, f64x2.sub(length, f64x2.mul(twice, turns))),
      ...set(at, v128.select(left, right, f64x2.less(get(at), zero))),
    ]
  },
  wrap: (at, { last }, turns) => {
    const left = f64x2.add(get(at), f64x2.mul(last, f64x2.add(get(turns), doubles(1))))
    const right = f64x2.sub(get(at), f64x2.mul(last, get(turns)))
    return [
      ...set(turns, f64x2.truncate(f64x2.div(f64x2.abs(get(at)), last))),
      ...set(
        at,
        v128.select(
          left,
          v128.select(right, get(at), f64x2.greater(get(at), last)),
          f64x2.less(get(at), zero),
        ),
      ),
    ]
  },
}

/** All lanes of a vector of four are its lane `index`, or those named. */
const lanes = (a: Code, b: Code, ...from: readonly number[]): Code =>
  i8x16.shuffle(
    a,
    b,
    from.flatMap((lane) => [0, 1, 2, 3].map((byte) => lane * 4 + byte)),
  )

/**
 * The whole result, rows of `rowBytes` from `target` to `targetEnd`; a pixel is written with up to 12 bytes too many.
 * `source` is the first pixel inside the border, its rows are `stride` bytes apart; 8 bytes are read from any pixel.
 */
export function warpKernel(fillMode: FillMode, channels: 1 | 3): Kernel {
  return kernel(warpName(fillMode, channels), 6, (parameters, fresh) => {
    const [table, source, stride, target, rowBytes, targetEnd] = parameters as Six
    const [address, rowEnd] = [fresh.i32(), fresh.i32()]
    const slots = Array.from({ length: WARP_TABLE / 16 }, fresh.v128)
    const [byRow, byColumn, shift, row, rowStep, first, columnStep, last, size, twice, cval] =
      slots as Eleven
    const [rowPart, column, at, floor, within, result] = times(6, fresh.v128) as Six
    const [across, down] = [fresh.v128(), fresh.v128()]
    const above = taps(fresh)
    const below = taps(fresh)

    /** Between the pixels left and right, then between the rows above and below: two values at once. */
    const between = (a: Code, step: Code, weight: Local): Code =>
      f64x2.add(f64x2.convertLow(a), f64x2.mul(f64x2.convertLow(step), get(weight)))
    const [redGreen, redGreenBelow, blue] = times(3, fresh.v128) as [Local, Local, Local]
    const lastLane = channels - 1
    const lasts = (which: 'first' | 'step'): Code =>
      lanes(get(above[which]), get(below[which]), lastLane, lastLane + 4, lastLane, lastLane)
    const firstTwo = [
      ...set(redGreen, between(get(above.first), get(above.step), across)),
      ...set(redGreenBelow, between(get(below.first), get(below.step), across)),
      ...set(
        redGreen,
        f64x2.add(
          get(redGreen),
          f64x2.mul(f64x2.sub(get(redGreenBelow), get(redGreen)), get(down)),
        ),
      ),
    ]
    const lastOne = [
      ...set(blue, between(lasts('first'), lasts('step'), across)),
      ...set(
        blue,
        f64x2.add(
          get(blue),
          f64x2.mul(f64x2.sub(lanes(get(blue), get(blue), 2, 3, 0, 1), get(blue)), get(down)),
        ),
      ),
    ]
    const pixel =
      channels === 1
        ? f32x4.demote(get(blue))
        : lanes(f32x4.demote(get(redGreen)), f32x4.demote(get(blue)), 0, 1, 4, 4)
    const inBoth = (mask: Local): Code =>
      v128.and(get(mask), lanes(get(mask), get(mask), 2, 3, 0, 1))
    const limits = { last: get(last), size: get(size), twice: get(twice) }
    const onePixel = [
      ...set(
        at,
        f64x2.add(f64x2.add(get(rowPart), f64x2.mul(get(column), get(byColumn))), get(shift)),
      ),
      ...(fillMode === 'constant'
        ? set(within, v128.and(f64x2.atLeast(get(at), zero), f64x2.atMost(get(at), get(last))))
        : []),
      ...BORDERS[fillMode](at, limits, floor),
      ...set(floor, f64x2.floor(get(at))),
      ...set(at, f64x2.sub(get(at), get(floor))),
      ...set(floor, i32x4.truncateWide(get(floor))),
      ...set(
        address,
        i32.add(
          i32.add(get(source), i32.mul(i32x4.lane(get(floor), 0), get(stride))),
          i32.mul(i32x4.lane(get(floor), 1), i32.const(channels)),
        ),
      ),
      ...set(down, lanes(get(at), get(at), 0, 1, 0, 1)),
      ...set(across, lanes(get(at), get(at), 2, 3, 2, 3)),
      ...above.load(get(address), channels),
      ...below.load(i32.add(get(address), get(stride)), channels),
      ...(channels === 1 ? [] : firstTwo),
      ...lastOne,
      ...set(result, pixel),
      ...(fillMode === 'constant'
        ? set(result, v128.select(get(result), get(cval), inBoth(within)))
        : []),
      ...v128.store(get(target), get(result)),
      ...set(target, i32.add(get(target), i32.const(4 * channels))),
      ...set(column, f64x2.add(get(column), get(columnStep))),
    ]
    const oneRow = [
      ...set(rowPart, f64x2.mul(get(row), get(byRow))),
      ...set(column, get(first)),
      ...set(rowEnd, i32.add(get(target), get(rowBytes))),
      ...doWhile(onePixel, i32.ne(get(target), get(rowEnd))),
      ...set(row, f64x2.add(get(row), get(rowStep))),
    ]
    return [
      ...slots.flatMap((slot, i) => set(slot, v128.load(get(table), i * 16))),
      ...doWhile(oneRow, i32.ne(get(target), get(targetEnd))),
    ]
  })
}

/** A pixel and the step to the next one, as int32. */
function taps(fresh: { v128: () => Local }) {
  const [bytes, first, step] = [fresh.v128(), fresh.v128(), fresh.v128()]
  const load = (address: Code, channels: number): Code => {
    const next = Array.from({ length: 16 }, (_, i) => (i + 2 * channels) % 16)
    return [
      ...set(bytes, i16x8.extendLowU(v128.load64Zero(address))),
      ...set(first, i32x4.extendLowU(get(bytes))),
      ...set(
        step,
        i32x4.extendLowS(i16x8.sub(i8x16.shuffle(get(bytes), get(bytes), next), get(bytes))),
      ),
    ]
  }
  return { first, step, load }
}

type Six = [Local, Local, Local, Local, Local, Local]
type Eleven = [...Six, Local, Local, Local, Local, Local]

function times<T>(count: number, make: () => T): T[] {
  return Array.from({ length: count }, make)
}

export function warpName(fillMode: FillMode, channels: number): string {
  return `${fillMode}${channels}`
}

export type WarpKernel = (
  table: number,
  source: number,
  stride: number,
  target: number,
  rowBytes: number,
  targetEnd: number,
) => void

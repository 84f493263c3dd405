import { PRECISION, type AxisWeights } from './resample-filters.ts'
import {
  doWhile,
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
 * The two passes of Pillow's 8-bit resampling for RGB, four rows or sixteen bytes at a time. A weight has up to 24
 * bits, the multiplier (`dot`) takes 16: a weight is split into `high * 2^12 + low`, the two sums are taken
 * apart and joined at the end, which is exact. Taps are taken in pairs, as `dot` wants them; an odd number gets a
 * weight of zero.
 */
const SPLIT = 12

/** Bytes of the table that `writeWeights` writes. */
export function tableSize(axis: AxisWeights): number {
  return axis.weights.reduce((sum, { length }) => sum + 8 + 8 * pairsOf(length), 0)
}

const pairsOf = (taps: number): number => Math.max(1, (taps + 1) >> 1)

/**
 * Writes the table of one axis as the kernels walk it and returns its end: for each output the byte offset of its
 * first input and the address where its pairs end, then for each pair two int16 of high parts and two of low parts.
 * @param step bytes from one input to the next
 * @param address where in `bytes`, a multiple of 4
 */
export function writeWeights(
  axis: AxisWeights,
  step: number,
  bytes: Uint8Array,
  address: number,
): number {
  const words = new Int32Array(bytes.buffer)
  const low = 2 ** SPLIT - 1
  let at = address / 4
  axis.weights.forEach((weights, i) => {
    const pairs = pairsOf(weights.length)
    words[at] = axis.first[i]! * step
    words[at + 1] = (at + 2 + 2 * pairs) * 4
    at += 2
    for (let p = 0; p < pairs; p += 1, at += 2) {
      const a = weights[2 * p] ?? 0
      const b = weights[2 * p + 1] ?? 0
      words[at] = ((a >> SPLIT) & 0xffff) | ((b >> SPLIT) << 16)
      words[at + 1] = (a & low) | ((b & low) << 16)
    }
  })
  return at * 4
}

const add = (variable: Local, value: number): Code =>
  set(variable, i32.add(get(variable), i32.const(value)))

/** (high * 2^12 + low + half) / 2^22, rounded down; still to be clamped. */
const joined = (high: Local, low: Local, half: Local): Code => {
  const sum = i32x4.add(i32x4.shl(get(high), i32.const(SPLIT)), get(low))
  return i32x4.shrS(i32x4.add(sum, get(half)), i32.const(PRECISION))
}

const zero = v128.const(Array.from({ length: 16 }, () => 0))
const halfUnit = i32x4.splat(i32.const(1 << (PRECISION - 1)))
/** Pixels RGBRGB.. to int16 pairs R R G G B B 0 0; index 0x80 gives zero. */
const PAIRS = [0, 0x80, 3, 0x80, 1, 0x80, 4, 0x80, 2, 0x80, 5, 0x80, 0x80, 0x80, 0x80, 0x80]

/**
 * Four rows from `source` (rows `sourceStride` bytes apart) to `target` (rows `targetStride` apart, of which each
 * needs one byte more than its pixels). Up to 2 bytes past a row's last pixel pair are read.
 */
export const horizontal: Kernel = kernel('horizontal', 6, (parameters, fresh) => {
  const [source, sourceStride, target, targetStride, table, tableEnd] = parameters as Six
  const [at, pairsEnd] = [fresh.i32(), fresh.i32()]
  const [mask, half, kHigh, kLow, pixels] = times(5, fresh.v128) as Five
  const rows = times(4, () => ({
    from: fresh.i32(),
    to: fresh.i32(),
    high: fresh.v128(),
    low: fresh.v128(),
  }))
  const bases = rows.flatMap((row, i) => [
    ...set(row.from, i === 0 ? get(source) : i32.add(get(rows[i - 1]!.from), get(sourceStride))),
    ...set(row.to, i === 0 ? get(target) : i32.add(get(rows[i - 1]!.to), get(targetStride))),
  ])
  const onePair = [
    ...set(kHigh, v128.load32Splat(get(table))),
    ...set(kLow, v128.load32Splat(get(table), 4)),
    ...rows.flatMap((row) => [
      ...set(pixels, i8x16.swizzle(v128.load64Zero(i32.add(get(row.from), get(at))), get(mask))),
      ...set(row.high, i32x4.add(get(row.high), i32x4.dot(get(pixels), get(kHigh)))),
      ...set(row.low, i32x4.add(get(row.low), i32x4.dot(get(pixels), get(kLow)))),
    ]),
    ...add(at, 6),
    ...add(table, 8),
  ]
  const onePixel = [
    ...set(at, i32.load(get(table))),
    ...set(pairsEnd, i32.load(get(table), 4)),
    ...add(table, 8),
    ...rows.flatMap((row) => [...set(row.high, zero), ...set(row.low, zero)]),
    ...doWhile(onePair, i32.ne(get(table), get(pairsEnd))),
    ...rows.flatMap((row) => [
      ...set(pixels, joined(row.high, row.low, half)),
      ...set(pixels, i16x8.narrowS(get(pixels), get(pixels))),
      ...v128.store32Lane0(get(row.to), i8x16.narrowU(get(pixels), get(pixels))),
      ...add(row.to, 3),
    ]),
  ]
  return [
    ...set(mask, v128.const(PAIRS)),
    ...set(half, halfUnit),
    ...bases,
    ...doWhile(onePixel, i32.ne(get(table), get(tableEnd))),
  ]
})

/**
 * All rows of the result, one behind another from `target` on, from rows of `source` that are `stride` bytes apart;
 * `stride` and `source` must leave room for reading and writing 15 bytes too many.
 */
export const vertical: Kernel = kernel('vertical', 6, (parameters, fresh) => {
  const [source, stride, target, rowBytes, table, tableEnd] = parameters as Six
  const [at, pairsEnd, row, x, pair] = times(5, fresh.i32) as Five
  const [half, kHigh, kLow, above, below, taps] = times(6, fresh.v128) as Six
  const quarters = times(4, () => ({ high: fresh.v128(), low: fresh.v128() }))
  const interleaved = (from: number): number[] =>
    Array.from({ length: 16 }, (_, i) => from + (i >> 1) + (i & 1) * 16)
  const tapsOf = (quarter: number): Code =>
    (quarter % 2 === 0 ? i16x8.extendLowU : i16x8.extendHighU)(
      i8x16.shuffle(get(above), get(below), interleaved(quarter < 2 ? 0 : 8)),
    )
  const onePair = [
    ...set(kHigh, v128.load32Splat(get(pair))),
    ...set(kLow, v128.load32Splat(get(pair), 4)),
    ...set(above, v128.load(get(at))),
    ...set(below, v128.load(i32.add(get(at), get(stride)))),
    ...quarters.flatMap((quarter, i) => [
      ...set(taps, tapsOf(i)),
      ...set(quarter.high, i32x4.add(get(quarter.high), i32x4.dot(get(taps), get(kHigh)))),
      ...set(quarter.low, i32x4.add(get(quarter.low), i32x4.dot(get(taps), get(kLow)))),
    ]),
    ...set(at, i32.add(get(at), i32.shl(get(stride), i32.const(1)))),
    ...add(pair, 8),
  ]
  const [first, second, third, fourth] = quarters.map(({ high, low }) =>
    joined(high, low, half),
  ) as [Code, Code, Code, Code]
  const sixteenBytes = [
    ...set(at, i32.add(get(row), get(x))),
    ...set(pair, get(table)),
    ...quarters.flatMap(({ high, low }) => [...set(high, zero), ...set(low, zero)]),
    ...doWhile(onePair, i32.ne(get(pair), get(pairsEnd))),
    ...v128.store(
      i32.add(get(target), get(x)),
      i8x16.narrowU(i16x8.narrowS(first, second), i16x8.narrowS(third, fourth)),
    ),
    ...add(x, 16),
  ]
  const oneRow = [
    ...set(row, i32.add(get(source), i32.load(get(table)))),
    ...set(pairsEnd, i32.load(get(table), 4)),
    ...add(table, 8),
    ...set(x, i32.const(0)),
    ...doWhile(sixteenBytes, i32.ltU(get(x), get(rowBytes))),
    ...set(target, i32.add(get(target), get(rowBytes))),
    ...set(table, get(pairsEnd)),
  ]
  return [...set(half, halfUnit), ...doWhile(oneRow, i32.ne(get(table), get(tableEnd)))]
})

type Five = [Local, Local, Local, Local, Local]
type Six = [...Five, Local]

function times<T>(count: number, make: () => T): T[] {
  return Array.from({ length: count }, make)
}

type Pass = (
  source: number,
  sourceStride: number,
  target: number,
  /** `horizontal`: bytes from row to row; `vertical`: bytes of a row. */
  targetStride: number,
  table: number,
  tableEnd: number,
) => void

export interface ResampleKernels {
  readonly horizontal: Pass
  readonly vertical: Pass
}

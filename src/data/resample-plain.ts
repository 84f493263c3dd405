import { PRECISION, type AxisWeights, type Lerps } from './resample-filters.ts'
import type { RowSource } from './row-source.ts'

/** The first row that any output needs, and the one after the last. */
export function rowsNeeded(down: AxisWeights): [number, number] {
  const last = down.first.length - 1
  return [down.first[0]!, down.first[last]! + down.weights[last]!.length]
}

export interface Convolution {
  readonly across: AxisWeights
  readonly down: AxisWeights
  readonly columnsFirst: boolean
  readonly into: Uint8Array
}

/**
 * The same convolution in plain integers, for any number of channels: each source row is used once, right away,
 * for all output rows that it touches, so memory is a few output rows.
 */
export function convolveByRow(source: RowSource, how: Convolution): void {
  const { across, down, columnsFirst, into } = how
  const { channels } = source
  const rowLength = across.first.length * channels
  const input = new Uint8Array(source.width * channels)
  const line = columnsFirst ? input : new Uint8Array(rowLength)
  const column = new Uint8Array(line.length)
  const open: Int32Array[] = []
  let firstOpen = 0
  const [top, bottom] = rowsNeeded(down)
  for (let y = top; y < bottom; y += 1) {
    source.read(y, 1, input)
    if (!columnsFirst) horizontalRow(input, across, channels, line)
    while (
      firstOpen + open.length < down.first.length &&
      down.first[firstOpen + open.length]! <= y
    ) {
      open.push(new Int32Array(line.length).fill(1 << (PRECISION - 1)))
    }
    open.forEach((sums, i) => {
      const weight = down.weights[firstOpen + i]![y - down.first[firstOpen + i]!] ?? 0
      for (let x = 0; x < sums.length; x += 1) sums[x] = sums[x]! + weight * line[x]!
    })
    while (open.length > 0 && down.first[firstOpen]! + down.weights[firstOpen]!.length <= y + 1) {
      const sums = open.shift()!
      const out = into.subarray(firstOpen * rowLength, (firstOpen + 1) * rowLength)
      const target = columnsFirst ? column : out
      for (let x = 0; x < sums.length; x += 1) target[x] = clamp(sums[x]! >> PRECISION)
      if (columnsFirst) horizontalRow(column, across, channels, out)
      firstOpen += 1
    }
  }
}

function horizontalRow(
  input: Uint8Array,
  across: AxisWeights,
  channels: number,
  line: Uint8Array,
): void {
  for (let x = 0; x < across.first.length; x += 1) {
    const weights = across.weights[x]!
    const first = across.first[x]! * channels
    for (let c = 0; c < channels; c += 1) {
      let sum = 1 << (PRECISION - 1)
      for (let k = 0; k < weights.length; k += 1) {
        sum = (sum + Math.imul(weights[k]!, input[first + k * channels + c]!)) | 0
      }
      line[x * channels + c] = clamp(sum >> PRECISION)
    }
  }
}

function clamp(value: number): number {
  return value < 0 ? 0 : value > 255 ? 255 : value
}

/** Each output takes one input; -1 stands for black. */
export function pick(
  source: RowSource,
  across: Int32Array,
  down: Int32Array,
  into: Uint8Array,
): void {
  const { channels } = source
  const stride = source.width * channels
  // One byte more than a row: black.
  const input = new Uint8Array(stride + 1)
  const row = input.subarray(0, stride)
  const from = new Int32Array(across.length * channels)
  for (let i = 0; i < from.length; i += 1) {
    const x = across[Math.trunc(i / channels)]!
    from[i] = x < 0 ? stride : x * channels + (i % channels)
  }
  let held = -1
  for (let y = 0; y < down.length; y += 1) {
    const wanted = down[y]!
    const line = into.subarray(y * from.length, (y + 1) * from.length)
    if (wanted < 0) {
      line.fill(0)
      continue
    }
    if (wanted !== held) source.read(wanted, 1, row)
    held = wanted
    for (let i = 0; i < line.length; i += 1) line[i] = input[from[i]!]!
  }
}

/** One row of float32 results, at the place of `y`. */
type Take = (y: number, row: Float32Array) => void

/**
 * TensorFlow's bilinear: the two nearest rows and columns, in float32 and in the order of `compute_lerp`:
 * first along the row above and below, then between the two.
 */
export function interpolate(source: RowSource, across: Lerps, down: Lerps, take: Take): void {
  const { channels } = source
  const width = across.lerp.length
  const out = new Float32Array(width * channels)
  const input = new Uint8Array(source.width * channels)
  const lines = [new Float32Array(width * channels), new Float32Array(width * channels)] as const
  const lineOf = heldRows(lines, (row, line) => {
    source.read(row, 1, input)
    lerpRow(input, across, channels, line)
  })
  for (let y = 0; y < down.lerp.length; y += 1) {
    const [above, below] = lineOf(down.lower[y]!, down.upper[y]!)
    const lerp = down.lerp[y]!
    for (let i = 0; i < out.length; i += 1) {
      const a = above[i]!
      out[i] = a + Math.fround(Math.fround(below[i]! - a) * lerp)
    }
    take(y, out)
  }
}

/**
 * Keeps the last two rows in `lines`. Rows come from top to bottom and one asks for neighbours, so a row that is
 * still needed is never overwritten, and none is made twice.
 */
export function heldRows<Line>(
  lines: readonly [Line, Line],
  make: (row: number, line: Line) => void,
): (above: number, below: number) => [Line, Line] {
  const rows = [-1, -1]
  const lineOf = (row: number, keep: number): Line => {
    let slot = rows.indexOf(row)
    if (slot < 0) {
      slot = rows[0] === keep ? 1 : 0
      rows[slot] = row
      make(row, lines[slot]!)
    }
    return lines[slot]!
  }
  return (above, below) => [lineOf(above, below), lineOf(below, above)]
}

function lerpRow(input: Uint8Array, across: Lerps, channels: number, line: Float32Array): void {
  for (let x = 0; x < across.lerp.length; x += 1) {
    const left = across.lower[x]! * channels
    const right = across.upper[x]! * channels
    const lerp = across.lerp[x]!
    for (let c = 0; c < channels; c += 1) {
      const a = input[left + c]!
      line[x * channels + c] = a + Math.fround((input[right + c]! - a) * lerp)
    }
  }
}

/** Rounds rows of float32 into uint8, halves to even. */
export function roundInto(into: Uint8Array): Take {
  return (y, row) => {
    const base = y * row.length
    for (let i = 0; i < row.length; i += 1) {
      // Adding 1.5 * 2^23 in float32 leaves an integer, rounded half to even.
      into[base + i] = Math.fround(row[i]! + 12582912) - 12582912
    }
  }
}

import {
  pillowNearest,
  pillowWeights,
  PRECISION,
  tensorflowLerps,
  tensorflowNearest,
  verticalFirst,
  type AxisWeights,
  type Lerps,
  type PillowMethod,
} from './resample-filters.ts'
import { resampleKernels, tableSize, writeWeights } from './resample-kernels.ts'
import { createMemory } from './wasm-emit.ts'

/** As in the pipeline file: Pillow's methods by name, TensorFlow's as an object. */
export type Resize =
  PillowMethod | { readonly library: 'tensorflow'; readonly method: 'bilinear' | 'nearest' }

/** A picture that hands out its rows from top to bottom, so that it need not be whole in memory. */
export interface RowSource {
  readonly width: number
  readonly height: number
  readonly channels: 1 | 3
  /**
   * Writes the rows `first` to `first + count - 1` to `into`, `[count, width, channels]` of uint8. Never asked
   * for a row above one that was asked for before, nor for one twice.
   */
  readonly read: (first: number, count: number, into: Uint8Array) => void
}

export interface Resampler {
  /**
   * Resizes into `into`, `[height, width, channels]`. Bit for bit what Pillow 13's `Image.resize` gives, or
   * TensorFlow's `tf.image.resize` (half-pixel centres, no antialias). TensorFlow's bilinear is float32; here it is
   * rounded to the nearest integer, halves to even, as `tf.cast(tf.round(x), tf.uint8)`.
   */
  resample(source: RowSource, width: number, height: number, resize: Resize, into: Uint8Array): void
}

/** Above this, the passes run row by row without an intermediate picture (slower; only odd shapes come here). */
const MOST_BETWEEN = 64 << 20
/** Source rows are taken in strips of about this size, which stay in the processor's cache. */
const STRIP = 96 << 10
const ALIGN = 16
const align = (value: number): number => Math.ceil(value / ALIGN) * ALIGN

/** One a thread: it keeps its working memory (a few MiB) between pictures. */
export function createResampler(): Resampler {
  const memory = createMemory(32)
  const kernels = resampleKernels(memory)
  const axis = axisCache()

  const areas = (...sizes: readonly number[]): { bytes: Uint8Array; at: number[] } => {
    let end = ALIGN
    // Kernels go four rows at a time and sixteen bytes wide: room for too much behind each area.
    const at = sizes.map((size) => {
      const start = end
      end = align(start + size) + ALIGN
      return start
    })
    const missing = end - memory.buffer.byteLength
    if (missing > 0) memory.grow(Math.ceil(missing / 65536))
    return { bytes: new Uint8Array(memory.buffer), at }
  }

  /** Horizontal pass, strip by strip as rows come in, then the vertical one. */
  const rowsFirst = (source: RowSource, { across, down, into }: Convolution): void => {
    const [top, bottom] = rowsNeeded(down)
    const [sourceStride, rowBytes] = [source.width * 3, across.first.length * 3]
    const stride = align(rowBytes + 1)
    const strip = Math.max(8, Math.floor(STRIP / sourceStride) & ~7)
    const { bytes, at } = areas(
      tableSize(across),
      tableSize(down),
      (strip + 4) * sourceStride,
      (bottom - top + 5) * stride,
      into.length,
    )
    const [acrossAt, downAt, stripAt, betweenAt, outAt] = at as [
      number,
      number,
      number,
      number,
      number,
    ]
    const acrossEnd = writeWeights(across, 3, bytes, acrossAt)
    const downEnd = writeWeights(shifted(down, top), stride, bytes, downAt)
    for (let y = top; y < bottom; y += strip) {
      const count = Math.min(strip, bottom - y)
      source.read(y, count, bytes.subarray(stripAt, stripAt + count * sourceStride))
      for (let row = 0; row < count; row += 4) {
        const from = stripAt + row * sourceStride
        const to = betweenAt + (y - top + row) * stride
        kernels.horizontal(from, sourceStride, to, stride, acrossAt, acrossEnd)
      }
    }
    kernels.vertical(betweenAt, stride, outAt, rowBytes, downAt, downEnd)
    into.set(bytes.subarray(outAt, outAt + into.length))
  }

  /** Vertical pass over the whole picture, then the horizontal one. */
  const columnsFirst = (source: RowSource, { across, down, into }: Convolution): void => {
    const [top, bottom] = rowsNeeded(down)
    const [sourceStride, rowBytes] = [source.width * 3, across.first.length * 3]
    const stride = align(rowBytes + 1)
    const height = down.first.length
    const { bytes, at } = areas(
      tableSize(across),
      tableSize(down),
      (bottom - top + 1) * sourceStride,
      (height + 4) * sourceStride,
      (height + 4) * stride,
    )
    const [acrossAt, downAt, inAt, betweenAt, outAt] = at as [
      number,
      number,
      number,
      number,
      number,
    ]
    const acrossEnd = writeWeights(across, 3, bytes, acrossAt)
    const downEnd = writeWeights(shifted(down, top), sourceStride, bytes, downAt)
    const strip = Math.max(8, Math.floor(STRIP / sourceStride) & ~7)
    for (let y = top; y < bottom; y += strip) {
      const count = Math.min(strip, bottom - y)
      const start = inAt + (y - top) * sourceStride
      source.read(y, count, bytes.subarray(start, start + count * sourceStride))
    }
    kernels.vertical(inAt, sourceStride, betweenAt, sourceStride, downAt, downEnd)
    for (let row = 0; row < height; row += 4) {
      const from = betweenAt + row * sourceStride
      kernels.horizontal(from, sourceStride, outAt + row * stride, stride, acrossAt, acrossEnd)
    }
    for (let row = 0; row < height; row += 1) {
      const start = outAt + row * stride
      into.set(bytes.subarray(start, start + rowBytes), row * rowBytes)
    }
  }

  const convolve = (source: RowSource, how: Convolution): void => {
    const between = how.columnsFirst ? source.width : how.across.first.length
    const large = Math.max(source.width * 3 * 8, source.height * between * 3) > MOST_BETWEEN
    if (source.channels !== 3 || large) convolveByRow(source, how)
    else if (how.columnsFirst) columnsFirst(source, how)
    else rowsFirst(source, how)
  }

  return {
    resample(source, width, height, resize, into) {
      if (into.length !== width * height * source.channels) {
        throw new RangeError(`room for ${into.length} bytes, not ${width}x${height}`)
      }
      if (typeof resize === 'object' && resize.method === 'bilinear') {
        if (source.width === width && source.height === height) source.read(0, height, into)
        else {
          const across = tensorflowLerps(source.width, width)
          interpolate(source, across, tensorflowLerps(source.height, height), roundInto(into))
        }
      } else if (typeof resize === 'object' || resize === 'nearest') {
        const picks = typeof resize === 'object' ? tensorflowNearest : pillowNearest
        pick(source, picks(source.width, width), picks(source.height, height), into)
      } else {
        convolve(source, {
          across: axis(resize, source.width, width),
          down: axis(resize, source.height, height),
          columnsFirst: verticalFirst(source, { width, height }),
          into,
        })
      }
    },
  }
}

/** Folders often hold pictures of few sizes: the last weights are kept. */
function axisCache(): typeof pillowWeights {
  const kept = new Map<string, AxisWeights>()
  return (method, from, to) => {
    const key = `${method} ${from} ${to}`
    const found = kept.get(key)
    if (found) return found
    const made = pillowWeights(method, from, to)
    if (kept.size >= 64) kept.delete(kept.keys().next().value!)
    if (made.weights.length * (made.weights[0]?.length ?? 0) < 1 << 16) kept.set(key, made)
    return made
  }
}

/** The first row that any output needs, and the one after the last. */
function rowsNeeded(down: AxisWeights): [number, number] {
  const last = down.first.length - 1
  return [down.first[0]!, down.first[last]! + down.weights[last]!.length]
}

function shifted(axis: AxisWeights, by: number): AxisWeights {
  return by === 0 ? axis : { ...axis, first: axis.first.map((first) => first - by) }
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

function pick(source: RowSource, across: Int32Array, down: Int32Array, into: Uint8Array): void {
  const { channels } = source
  const rowLength = across.length * channels
  const input = new Uint8Array(source.width * channels)
  let held = -1
  for (let y = 0; y < down.length; y += 1) {
    const row = down[y]!
    const line = into.subarray(y * rowLength, (y + 1) * rowLength)
    if (row < 0) line.fill(0)
    else if (row === held) line.copyWithin(0, 0)
    else source.read(row, 1, input)
    if (row < 0) continue
    held = row
    for (let x = 0; x < across.length; x += 1) {
      const from = across[x]! * channels
      for (let c = 0; c < channels; c += 1) line[x * channels + c] = from < 0 ? 0 : input[from + c]!
    }
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
  // Two rows already interpolated along x; rows come from top to bottom, so at most one of them is new.
  const held = [
    { row: -1, line: new Float32Array(width * channels) },
    { row: -1, line: new Float32Array(width * channels) },
  ]
  const lineOf = (row: number, keep: number): (typeof held)[number] => {
    const found = held.find((one) => one.row === row)
    if (found) return found
    const slot = held.find((one) => one.row !== keep)!
    slot.row = row
    source.read(row, 1, input)
    lerpRow(input, across, channels, slot.line)
    return slot
  }
  for (let y = 0; y < down.lerp.length; y += 1) {
    const above = lineOf(down.lower[y]!, down.upper[y]!).line
    const below = lineOf(down.upper[y]!, down.lower[y]!).line
    const lerp = down.lerp[y]!
    for (let i = 0; i < out.length; i += 1) {
      const a = above[i]!
      out[i] = a + Math.fround(Math.fround(below[i]! - a) * lerp)
    }
    take(y, out)
  }
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

function roundInto(into: Uint8Array): Take {
  return (y, row) => {
    const base = y * row.length
    for (let i = 0; i < row.length; i += 1) {
      // Adding 1.5 * 2^23 in float32 leaves an integer, rounded half to even.
      into[base + i] = Math.fround(row[i]! + 12582912) - 12582912
    }
  }
}

/** A picture in memory as a source of rows. */
export function rowsOf(picture: {
  readonly width: number
  readonly height: number
  readonly channels: 1 | 3
  readonly data: Uint8Array
}): RowSource {
  const { width, height, channels, data } = picture
  const stride = width * channels
  return {
    width,
    height,
    channels,
    read(first, count, into) {
      into.set(data.subarray(first * stride, (first + count) * stride))
    },
  }
}

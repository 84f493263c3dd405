import {
  pillowNearest,
  pillowWeights,
  tensorflowLerps,
  tensorflowNearest,
  verticalFirst,
  type AxisWeights,
  type PillowMethod,
} from './resample-filters.ts'
import {
  lerpColumns,
  lerpRows,
  lerpTableSize,
  writeLerps,
  type LerpKernels,
} from './lerp-kernels.ts'
import {
  horizontal,
  tableSize,
  vertical,
  writeWeights,
  type ResampleKernels,
} from './resample-kernels.ts'
import {
  convolveByRow,
  heldRows,
  interpolate,
  pick,
  roundInto,
  rowsNeeded,
  type Convolution,
} from './resample-plain.ts'
import type { RowSource } from './row-source.ts'
import { createMemory, instantiate } from './wasm-emit.ts'

/** As in the pipeline file: Pillow's methods by name, TensorFlow's as an object. */
export type Resize =
  PillowMethod | { readonly library: 'tensorflow'; readonly method: 'bilinear' | 'nearest' }

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
  const kernels = instantiate(
    [horizontal, vertical, lerpColumns, lerpRows],
    memory,
  ) as ResampleKernels & LerpKernels
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

  /** TensorFlow's bilinear: rows above and below are interpolated along x once each, then between the two. */
  const lerp = (source: RowSource, width: number, height: number, into: Uint8Array): void => {
    const across = tensorflowLerps(source.width, width)
    const down = tensorflowLerps(source.height, height)
    const rowBytes = width * 3
    const { bytes, at } = areas(
      lerpTableSize(across),
      lerpTableSize(down),
      source.width * 3,
      rowBytes * 4 + 64,
      rowBytes * 4 + 64,
      rowBytes,
    )
    const [acrossAt, downAt, inAt, first, second, outAt] = at as Six
    const acrossEnd = writeLerps(across, 3, bytes, acrossAt)
    writeLerps(down, 1, bytes, downAt)
    const input = bytes.subarray(inAt, inAt + source.width * 3)
    const lineOf = heldRows([first, second], (row, line) => {
      source.read(row, 1, input)
      kernels.lerpColumns(inAt, line, acrossAt, acrossEnd)
    })
    for (let y = 0; y < height; y += 1) {
      const [above, below] = lineOf(down.lower[y]!, down.upper[y]!)
      kernels.lerpRows(above, below, downAt + y * 12 + 8, outAt, outAt + rowBytes)
      into.set(bytes.subarray(outAt, outAt + rowBytes), y * rowBytes)
    }
  }

  return {
    resample(source, width, height, resize, into) {
      if (into.length !== width * height * source.channels) {
        throw new RangeError(`room for ${into.length} bytes, not ${width}x${height}`)
      }
      if (typeof resize === 'object' && resize.method === 'bilinear') {
        if (source.width === width && source.height === height) source.read(0, height, into)
        else if (source.channels === 3) lerp(source, width, height, into)
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

type Five = [number, number, number, number, number]
type Six = [...Five, number]

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

function shifted(axis: AxisWeights, by: number): AxisWeights {
  return by === 0 ? axis : { ...axis, first: axis.first.map((first) => first - by) }
}

import type { Affine } from './affine.ts'
import type { FillMode } from './augmentation.ts'

/** Height, width, channels (1 or 3). */
export type Shape = readonly [height: number, width: number, channels: number]

/** What the geometry of a transform comes to. */
export interface Warp {
  /** Undefined where no pixel lies between others: nothing is interpolated. */
  readonly affine: Affine | undefined
  /** Applied after `affine`. */
  readonly flipHorizontal: boolean
  readonly flipVertical: boolean
  readonly fillMode: FillMode
  readonly cval: number
}

/**
 * scipy.ndimage.affine_transform with order 1, then the flips: the plain twin of warp-kernels.ts, which gives the same
 * bits. Arithmetic is float64, rounded once: where scipy sums four products, this interpolates along the row and then
 * down, which differs by less than float32 shows.
 */
export function warpPlain(
  pixels: Uint8Array,
  [height, width, channels]: Shape,
  { affine, flipHorizontal, flipVertical, fillMode, cval }: Warp,
  out: Float32Array,
): void {
  const value = (row: number, column: number, channel: number): number => {
    const [y, x] = [inside(row, height), inside(column, width)]
    return pixels[(y * width + x) * channels + channel]!
  }
  const onRow = (row: number, column: number, channel: number): number => {
    const left = Math.floor(column)
    const a = value(row, left, channel)
    return a + (value(row, left + 1, channel) - a) * (column - left)
  }
  let at = 0
  for (let i = 0; i < height; i += 1) {
    const fromRow = flipVertical ? height - 1 - i : i
    for (let j = 0; j < width; j += 1) {
      const fromColumn = flipHorizontal ? width - 1 - j : j
      const row = sourceOf(affine?.rows ?? ROWS, fromRow, fromColumn, height, fillMode)
      const column = sourceOf(affine?.columns ?? COLUMNS, fromRow, fromColumn, width, fillMode)
      for (let channel = 0; channel < channels; channel += 1, at += 1) {
        if (row === undefined || column === undefined) out[at] = cval
        else {
          const top = Math.floor(row)
          const above = onRow(top, column, channel)
          out[at] = above + (onRow(top + 1, column, channel) - above) * (row - top)
        }
      }
    }
  }
}

const ROWS = [1, 0, 0] as const
const COLUMNS = [0, 1, 0] as const

/** A coordinate of the source; undefined beyond the border for `constant`, where scipy gives `cval` from the centre of the last pixel on. */
function sourceOf(
  line: Affine['rows'],
  row: number,
  column: number,
  length: number,
  fillMode: FillMode,
): number | undefined {
  const at = row * line[0] + column * line[1] + line[2]
  if (fillMode === 'constant') return at >= 0 && at <= length - 1 ? at : undefined
  if (fillMode === 'nearest') return inside(at, length)
  if (length === 1) return 0
  return fillMode === 'reflect' ? reflect(at, length) : wrap(at, length - 1)
}

/** Period of 2 n; from -1 (not quite) to n, for a border of one pixel more. */
function reflect(at: number, length: number): number {
  const period = 2 * length
  const size = Math.abs(at)
  const rest = size - period * Math.trunc(size / period)
  if (at < 0) return rest > length ? period - rest : Math.max(rest, 1e-15) - 1
  return rest >= length ? period - rest - 1 : rest
}

/** Period of n - 1: the last pixel stands where the first one is due. */
function wrap(at: number, period: number): number {
  const turns = Math.trunc(Math.abs(at) / period)
  if (at < 0) return at + period * (turns + 1)
  return at > period ? at - period * turns : at
}

function inside(at: number, length: number): number {
  return Math.min(Math.max(at, 0), length - 1)
}

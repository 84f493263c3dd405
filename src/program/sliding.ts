import type { Builder } from './builder.ts'
import type { ConvAttributes } from './ops.ts'
import type { Shape, Tensor } from './program.ts'
import { padBefore, windows } from './shapes.ts'

/** How a window slides over the rows (or columns) of a picture. */
export interface Axis {
  readonly size: number
  readonly out: number
  readonly window: number
  readonly stride: number
  readonly dilation: number
  /** Padding before the first row and after the last, as much as the windows reach over. */
  readonly before: number
  readonly after: number
}

/** How a window slides over pictures: what the gradients of convolutions and pools have in common. */
export class Sliding {
  readonly rows: Axis
  readonly columns: Axis

  /** `input` is [batch, height, width, channels]. */
  constructor(
    input: Shape,
    window: readonly [number, number],
    {
      strides,
      padding,
      dilations = [1, 1],
    }: Partial<ConvAttributes> & Pick<ConvAttributes, 'strides' | 'padding'>,
  ) {
    const size = [input[1]!, input[2]!] as const
    const outs = windows(size, window, strides, padding, dilations)
    const along = (axis: 0 | 1): Axis => {
      const [stride, dilation, out] = [strides[axis], dilations[axis], outs[axis]]
      const before = padBefore(size[axis], window[axis], stride, padding, dilation)
      const end = (out - 1) * stride + (window[axis] - 1) * dilation + 1
      const after = Math.max(0, end - before - size[axis])
      return { size: size[axis], out, window: window[axis], stride, dilation, before, after }
    }
    this.rows = along(0)
    this.columns = along(1)
  }

  /** The cells of the window, row by row. */
  get cells(): [number, number][] {
    const { rows, columns } = this
    return Array.from({ length: rows.window * columns.window }, (_, i) => [
      Math.floor(i / columns.window),
      i % columns.window,
    ])
  }

  /** How many cells of each window are no padding, [rows out, columns out]. */
  counts(): Float32Array {
    const inside = ({ out, window, stride, dilation, before, size }: Axis): number[] =>
      Array.from({ length: out }, (_, at) => {
        const cells = Array.from({ length: window }, (_, i) => at * stride + i * dilation - before)
        return cells.filter((cell) => cell >= 0 && cell < size).length
      })
    const columns = inside(this.columns)
    return Float32Array.from(inside(this.rows).flatMap((n) => columns.map((m) => n * m)))
  }

  /** The input with its padding around it. */
  padded(b: Builder, x: Tensor, value = 0): Tensor {
    const { rows, columns } = this
    return b.pad(x, around([rows.before, rows.after], [columns.before, columns.after]), value)
  }

  /** What a padded input without its padding is. */
  cropped(b: Builder, x: Tensor): Tensor {
    const [n, , , c] = x.shape as [number, number, number, number]
    const { rows, columns } = this
    return b.slice(x, [0, rows.before, columns.before, 0], [n, rows.size, columns.size, c])
  }

  /** Of a padded input, what lies under one cell of each window: [n, rows out, columns out, channels]. */
  under(b: Builder, padded: Tensor, [row, column]: readonly [number, number]): Tensor {
    const [n, , , c] = padded.shape as [number, number, number, number]
    const { rows, columns } = this
    const begin = [0, row * rows.dilation, column * columns.dilation, 0]
    const dense = b.slice(padded, begin, [n, reach(rows), reach(columns), c])
    if (rows.stride === 1 && columns.stride === 1) return dense
    // The maximum of one cell is that cell: a pool that only takes steps.
    const strides = [rows.stride, columns.stride] as const
    return b.maxPool(dense, { size: [1, 1], strides, padding: 'valid' })
  }

  /** The reverse of `under`: each number where its window's cell lies in the padded input, zeros elsewhere. */
  over(b: Builder, y: Tensor, [row, column]: readonly [number, number]): Tensor {
    const along = (axis: Axis, cell: number): [number, number] => {
      const start = cell * axis.dilation
      return [start, axis.before + axis.size + axis.after - start - reach(axis)]
    }
    const { rows, columns } = this
    return b.pad(this.#spread(b, y), around(along(rows, row), along(columns, column)))
  }

  /**
   * A gradient [n, rows out, columns out, c] laid out so that the window turned by 180 degrees, sliding over it with
   * strides of one and without padding, meets at each position of the input the outputs which that input is part of.
   */
  spread(b: Builder, dy: Tensor): Tensor {
    const along = (axis: Axis): [number, number] => [
      (axis.window - 1) * axis.dilation - axis.before,
      axis.size - reach(axis) + axis.before,
    ]
    return b.pad(this.#spread(b, dy), around(along(this.rows), along(this.columns)))
  }

  /** With strides - 1 zeros between rows, and between columns. */
  #spread(b: Builder, dy: Tensor): Tensor {
    const [n, oh, ow, c] = dy.shape as [number, number, number, number]
    const { stride: down } = this.rows
    const { stride: right } = this.columns
    if (down === 1 && right === 1) return dy
    const wide = b.pad(b.reshape(dy, [n * oh * ow, 1, c]), [
      [0, 0],
      [0, right - 1],
      [0, 0],
    ])
    const high = b.pad(b.reshape(wide, [n * oh, 1, ow * right * c]), [
      [0, 0],
      [0, down - 1],
      [0, 0],
    ])
    const whole = b.reshape(high, [n, oh * down, ow * right, c])
    return b.slice(whole, [0, 0, 0, 0], [n, reach(this.rows), reach(this.columns), c])
  }
}

/**
 * The windows [begin, end) whose cell lies on the picture: for window `at`, on row `at * stride + offset` of it.
 */
export function met(
  { out, size, stride, dilation, before }: Axis,
  cell: number,
): { readonly begin: number; readonly end: number; readonly offset: number } {
  const offset = cell * dilation - before
  const begin = Math.max(0, Math.ceil(-offset / stride))
  const end = Math.min(out, Math.floor((size - 1 - offset) / stride) + 1)
  return { begin, end: Math.max(begin, end), offset }
}

/** Rows from the first window's first to the last window's first. */
function reach({ out, stride }: Axis): number {
  return (out - 1) * stride + 1
}

function around(rows: readonly [number, number], columns: readonly [number, number]) {
  return [[0, 0], rows, columns, [0, 0]] as const
}

import type { OpAttributes } from './ops.ts'
import type { Shape, TensorType } from './program.ts'

/**
 * Shapes or settings do not fit each other. A bug of the caller, unless they come from a person or a file: then whoever took them
 * there tells it as theirs. Any other TypeError is a bug.
 */
export class Misfit extends TypeError {}

/** The shape rules that ops share. All throw a Misfit. */

/** numpy's broadcasting. */
export function broadcastShape(a: Shape, b: Shape): Shape {
  const rank = Math.max(a.length, b.length)
  return Array.from({ length: rank }, (_, i) => {
    const x = a[i - rank + a.length] ?? 1
    const y = b[i - rank + b.length] ?? 1
    check(x === y || x === 1 || y === 1, `[${a}] and [${b}] do not broadcast`)
    return x === 1 ? y : x
  })
}

/** Rows and columns of output of a sliding window, as TensorFlow counts them. */
export function windows(
  size: readonly [number, number],
  window: readonly [number, number],
  strides: readonly [number, number],
  padding: 'same' | 'valid',
  dilations: readonly [number, number] = [1, 1],
): [number, number] {
  const along = (axis: 0 | 1): number => {
    const reach = (window[axis] - 1) * dilations[axis] + 1
    const out =
      padding === 'same'
        ? Math.ceil(size[axis] / strides[axis])
        : Math.ceil((size[axis] - reach + 1) / strides[axis])
    check(out > 0, `a window of ${window} does not fit in ${size}`)
    return out
  }
  return [along(0), along(1)]
}

/**
 * Rows (or columns) of padding before the first one, as TensorFlow's `same` has it: what the windows need in
 * all, the odd one at the end; 0 for `valid`.
 */
export function padBefore(
  size: number,
  window: number,
  stride: number,
  padding: 'same' | 'valid',
  dilation = 1,
): number {
  if (padding === 'valid') return 0
  const reach = (window - 1) * dilation + 1
  const needed = (Math.ceil(size / stride) - 1) * stride + reach - size
  return Math.floor(Math.max(0, needed) / 2)
}

export function reduced(shape: Shape, { axes, keepDims }: OpAttributes['reduceSum']): TensorType {
  check(
    axes.every((axis, i) => axis >= 0 && axis < shape.length && (i === 0 || axes[i - 1]! < axis)),
    `axes [${axes}] of [${shape}]: not sorted or not there`,
  )
  if (keepDims) return type(shape.map((n, i) => (axes.includes(i) ? 1 : n)))
  return type(shape.filter((_, i) => !axes.includes(i)))
}

/** All axes but the last. */
export function leadingAxes(shape: Shape): number[] {
  return shape.slice(1).map((_, i) => i)
}

export function matrix(shape: Shape, transposed: boolean): [number, number] {
  check(shape.length === 2, `a matrix, got [${shape}]`)
  return transposed ? [shape[1]!, shape[0]!] : [shape[0]!, shape[1]!]
}

export function image(shape: Shape): [number, number, number, number] {
  check(shape.length === 4, `four axes, got [${shape}]`)
  return [shape[0]!, shape[1]!, shape[2]!, shape[3]!]
}

export function type(shape: Shape): TensorType {
  return { shape, dtype: 'float32' }
}

export function check(holds: boolean, message: string): void {
  if (!holds) throw new Misfit(message)
}

/** Neighbouring axes as [first, last], the last run first. */
export function runsOf(axes: readonly number[]): [number, number][] {
  const runs: [number, number][] = []
  for (const axis of axes) {
    const run = runs[0]
    if (run && run[1] === axis - 1) run[1] = axis
    else runs.unshift([axis, axis])
  }
  return runs
}

import type { Shape } from '../../program/program.ts'

/**
 * Copies a block of `size` elements from `source` at `from` to `target` at `to` (all N-dimensional, row-major);
 * the plan is made once, the returned function moves the rows. Addresses count elements from the array's start.
 */
export function blockCopy(
  size: Shape,
  source: { shape: Shape; at: Shape },
  target: { shape: Shape; at: Shape },
): (array: TypedArray, sourceStart: number, targetStart: number) => void {
  const s = strides(source.shape)
  const t = strides(target.shape)
  const sourceOffset = source.at.reduce((sum, n, axis) => sum + n * s[axis]!, 0)
  const targetOffset = target.at.reduce((sum, n, axis) => sum + n * t[axis]!, 0)
  // Trailing axes that are whole on both sides, and one more, make one contiguous row.
  let axis = size.length
  let row = 1
  while (axis > 0 && s[axis - 1] === row && t[axis - 1] === row) {
    axis -= 1
    row *= size[axis]!
  }
  const outer = size.slice(0, axis)
  if (outer.length === 0) {
    return (array, from, to) =>
      void array.copyWithin(to + targetOffset, from + sourceOffset, from + sourceOffset + row)
  }
  return (array, from, to) =>
    rows(array, from + sourceOffset, to + targetOffset, outer, s, t, 0, row)
}

export type TypedArray = Float32Array | Int32Array | Uint8Array

function rows(
  array: TypedArray,
  from: number,
  to: number,
  outer: Shape,
  s: Shape,
  t: Shape,
  axis: number,
  row: number,
): void {
  const n = outer[axis]!
  const sourceStep = s[axis]!
  const targetStep = t[axis]!
  if (axis < outer.length - 1) {
    for (let i = 0; i < n; i += 1) {
      rows(array, from + i * sourceStep, to + i * targetStep, outer, s, t, axis + 1, row)
    }
  } else if (row < 64) {
    // A call of copyWithin costs as much as 50 elements or so.
    for (let i = 0; i < n; i += 1) {
      const a = from + i * sourceStep
      const b = to + i * targetStep
      for (let j = 0; j < row; j += 1) array[b + j] = array[a + j]!
    }
  } else {
    for (let i = 0; i < n; i += 1) {
      const a = from + i * sourceStep
      array.copyWithin(to + i * targetStep, a, a + row)
    }
  }
}

/** Elements from one index to the next along each axis. */
export function strides(shape: Shape): number[] {
  const result: number[] = []
  let step = 1
  for (let axis = shape.length - 1; axis >= 0; axis -= 1) {
    result[axis] = step
    step *= shape[axis]!
  }
  return result
}

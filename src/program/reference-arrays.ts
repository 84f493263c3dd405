import { sizeOf, type Shape } from './program.ts'

/** Values of any dtype, all exact in float64. */
export interface Value {
  readonly data: Doubles
  readonly shape: Shape
}

export type Doubles = Float64Array<ArrayBuffer>

export function read({ data, shape }: Value, at: readonly number[]): number {
  return data[shape.reduce((offset, n, axis) => offset * n + at[axis]!, 0)]!
}

/** One number for each position of the shape, in row-major order. */
export function fill(shape: Shape, value: (at: number[]) => number): Doubles {
  const at = shape.map(() => 0)
  return new Float64Array(sizeOf(shape)).map(() => {
    const result = value(at)
    for (let axis = shape.length - 1; axis >= 0; axis -= 1) {
      at[axis]! += 1
      if (at[axis]! < shape[axis]!) break
      at[axis] = 0
    }
    return result
  })
}

export function readBroadcast(x: Value, at: readonly number[]): number {
  const extra = at.length - x.shape.length
  return read(
    x,
    x.shape.map((n, axis) => (n === 1 ? 0 : at[axis + extra]!)),
  )
}

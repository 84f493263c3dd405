import { broadcastShape } from '../../../program/shapes.ts'
import { sizeOf, type Shape } from '../../../program/program.ts'
import { checkedSize } from '../call.ts'
import type { ValueType } from '../stored.ts'
import { host, Malformed, type Host } from '../values.ts'

/** Arithmetic on known values, broadcast as numpy does. */
export function zip(x: Host, y: Host, type: ValueType, f: (x: number, y: number) => number): Host {
  const shape = broadcastShape(x.shape, y.shape)
  const size = knownSize(shape)
  const from = reader(x, shape)
  const and = reader(y, shape)
  return host(
    type,
    shape,
    Array.from({ length: size }, (_, i) => f(from(i), and(i))),
  )
}

/** Of values that are computed now: shapes and small tables, not pictures. */
function knownSize(shape: Shape): number {
  const size = checkedSize(shape)
  if (size > 2 ** 20) throw new Malformed(`known values of [${shape.join(', ')}]`)
  return size
}

/** The value of `x` at a flat position of the shape it is broadcast to. */
export function reader({ data, shape }: Host, to: Shape): (position: number) => number {
  if (data.length === 1) return () => data[0]!
  if (shape.join() === to.join()) return (i) => data[i]!
  const strides = stridesOf(shape)
  const missing = to.length - shape.length
  return (position) => {
    let rest = position
    let at = 0
    for (let axis = to.length - 1; axis >= 0; axis -= 1) {
      const index = rest % to[axis]!
      rest = (rest - index) / to[axis]!
      const own = axis - missing
      if (own >= 0 && shape[own] !== 1) at += index * strides[own]!
    }
    return data[at]!
  }
}

export function stridesOf(shape: Shape): number[] {
  return shape.map((_, i) => sizeOf(shape.slice(i + 1)))
}

/** A known value laid out anew: each cell of `shape` from the cell of `x` that `from` names. */
export function gathered(
  x: Host,
  shape: Shape,
  from: (at: readonly number[]) => readonly number[],
): Host {
  const strides = stridesOf(x.shape)
  const own = stridesOf(shape)
  const data = Array.from({ length: knownSize(shape) }, (_, position) => {
    const at = shape.map((n, axis) => Math.floor(position / own[axis]!) % n)
    return x.data[from(at).reduce((sum, index, axis) => sum + index * strides[axis]!, 0)]!
  })
  return host(x.type, shape, data)
}

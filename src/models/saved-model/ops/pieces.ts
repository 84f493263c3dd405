import type { Builder } from '../../../program/builder.ts'
import { sizeOf, type Shape, type Tensor } from '../../../program/program.ts'
import { checkedSize, type Call } from '../call.ts'
import { host, Malformed, traced, Unsupported, type Value } from '../values.ts'
import { gathered } from './host.ts'

export function shaped(call: Call, x: Value, shape: Shape): Value {
  const from = x.kind === 'host' ? x.shape : call.toTensor(x).shape
  if (sizeOf(from) !== checkedSize(shape)) {
    throw new Malformed(`[${from.join(', ')}] as [${shape.join(', ')}]`)
  }
  if (x.kind === 'host') return host(x.type, shape, x.data)
  return traced('type' in x ? x.type : 'float', call.b.reshape(call.toTensor(x), shape))
}

export function sliced(call: Call, x: Value, begin: Shape, size: Shape): Value {
  const shape = x.kind === 'host' ? x.shape : call.toTensor(x).shape
  const inside =
    begin.length === shape.length &&
    size.length === shape.length &&
    shape.every((n, i) => begin[i]! >= 0 && size[i]! >= 0 && begin[i]! + size[i]! <= n)
  if (!inside) {
    throw new Malformed(`[${size.join(', ')}] at [${begin.join(', ')}] of [${shape.join(', ')}]`)
  }
  if (x.kind === 'host') return gathered(x, size, (at) => at.map((n, i) => n + begin[i]!))
  return traced('type' in x ? x.type : 'float', call.b.slice(call.toTensor(x), begin, size))
}

/** Rows that are picked one by one are slices side by side; more of them want another op. */
const PICKED = 512

/** The given positions along an axis, in their order; neighbours in one slice. */
export function rowsOf(b: Builder, x: Tensor, axis: number, rows: readonly number[]): Tensor {
  const runs: [number, number][] = []
  for (const row of rows) {
    const run = runs.at(-1)
    if (run && run[0] + run[1] === row) run[1] += 1
    else runs.push([row, 1])
  }
  if (runs.length > PICKED) throw new Unsupported(`that picks ${runs.length} rows`)
  const at = (start: number) => x.shape.map((_, i) => (i === axis ? start : 0))
  return b.concat(
    runs.map(([start, count]) => b.slice(x, at(start), x.shape.with(axis, count))),
    axis,
  )
}

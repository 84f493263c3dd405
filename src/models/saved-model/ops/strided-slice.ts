import type { Call } from '../call.ts'
import { host, Malformed, traced, type Value } from '../values.ts'
import { gathered } from './host.ts'
import { rowsOf, shaped, sliced } from './pieces.ts'

interface Along {
  readonly begin: number
  readonly count: number
  readonly stride: number
}

/** Python's x[a:b:c, ..., newaxis, i] (tensorflow/core/util/strided_slice_op.cc). */
export function stridedSlice(call: Call): Value {
  const shape = call.shape(0)
  const { along, out } = resolve(call, shape)
  const x = call.input(0)
  const counts = along.map(({ count }) => count)
  if (x.kind === 'host') {
    const picked = gathered(x, counts, (at) =>
      at.map((n, i) => along[i]!.begin + n * along[i]!.stride),
    )
    return host(x.type, out, picked.data)
  }
  if (along.every(({ stride, count }) => stride === 1 || count <= 1)) {
    const begin = along.map((a) => a.begin)
    return shaped(call, sliced(call, x, begin, counts), out)
  }
  const picked = along.reduce((t, { begin, count, stride }, axis) => {
    const whole = stride === 1 && count === shape[axis]
    const rows = Array.from({ length: count }, (_, i) => begin + i * stride)
    return whole ? t : rowsOf(call.b, t, axis, rows)
  }, call.tensor(0))
  return shaped(call, traced(call.type(0), picked), out)
}

/** What is taken along each axis of x, and the shape of the whole once axes were dropped and put in. */
function resolve(call: Call, shape: readonly number[]): { along: Along[]; out: number[] } {
  const [begins, ends, strides] = [call.ints(1), call.ints(2), call.ints(3)]
  const bit = (mask: string, i: number): boolean =>
    Math.floor(call.number(mask, 0) / 2 ** i) % 2 === 1
  const used = begins.filter((_, i) => !bit('new_axis_mask', i) && !bit('ellipsis_mask', i)).length
  const along: Along[] = []
  const out: number[] = []
  const whole = (): void => {
    const n = shape[along.length]!
    along.push({ begin: 0, count: n, stride: 1 })
    out.push(n)
  }
  if (used > shape.length) throw new Malformed(`${used} axes of ${shape.length}`)
  begins.forEach((begin, i) => {
    if (bit('ellipsis_mask', i)) {
      for (let k = shape.length - used; k > 0; k -= 1) whole()
    } else if (bit('new_axis_mask', i)) {
      out.push(1)
    } else {
      const n = shape[along.length]!
      const stride = strides[i]!
      if (stride === 0) throw new Malformed('a stride of 0')
      if (bit('shrink_axis_mask', i)) {
        const at = begin < 0 ? begin + n : begin
        if (!(at >= 0 && at < n)) throw new Malformed(`position ${begin} of ${n}`)
        along.push({ begin: at, count: 1, stride: 1 })
        return
      }
      const from = bit('begin_mask', i) ? (stride > 0 ? 0 : n - 1) : bounded(begin, n, stride)
      const to = bit('end_mask', i) ? (stride > 0 ? n : -1) : bounded(ends[i]!, n, stride)
      const count = Math.max(0, Math.ceil((to - from) / stride))
      along.push({ begin: from, count, stride })
      out.push(count)
    }
  })
  while (along.length < shape.length) whole()
  return { along, out }
}

function bounded(position: number, n: number, stride: number): number {
  const at = position < 0 ? position + n : position
  return stride > 0 ? Math.min(Math.max(at, 0), n) : Math.min(Math.max(at, -1), n - 1)
}

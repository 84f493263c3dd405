import { broadcastShape } from '../../../program/shapes.ts'
import { sizeOf, type Shape } from '../../../program/program.ts'
import { checkedSize, type Call, type Handlers } from '../call.ts'
import { host, Malformed, traced, Unsupported, type Host, type Value } from '../values.ts'
import { gathered, reader } from './host.ts'
import { rowsOf, shaped, sliced } from './pieces.ts'
import { stridedSlice } from './strided-slice.ts'

/** Shapes, and what moves values and changes none. */
export const ARRANGE: Handlers = {
  Shape: (call) => vector(call.shape(0)),
  ShapeN: (call) => call.inputs.map((_, i) => vector(call.shape(i))),
  Rank: (call) => host('int', [], [call.shape(0).length]),
  Size: (call) => host('int', [], [sizeOf(call.shape(0))]),
  Reshape: (call) => {
    const from = call.shape(0)
    return reshaped(call, reshapeTo(from, call.ints(1)))
  },
  ExpandDims: (call) => {
    const shape = call.shape(0)
    const axis = call.axis(call.int(1), shape.length + 1)
    return reshaped(call, shape.toSpliced(axis, 0, 1))
  },
  Squeeze: (call) => {
    const shape = call.shape(0)
    const given = call.list('squeeze_dims', []).map((axis) => call.axis(axis, shape.length))
    const kept = shape.filter((n, i) => !(given.length > 0 ? given.includes(i) : n === 1))
    return reshaped(call, kept)
  },
  Pack: (call) => {
    const shape = call.shape(0)
    const axis = call.axis(call.number('axis', 0), shape.length + 1)
    return joined(call, call.inputs, axis, (_, s) => s.toSpliced(axis, 0, 1))
  },
  Unpack: (call) => {
    const shape = call.shape(0)
    const axis = call.axis(call.number('axis', 0), shape.length)
    const parts = parted(call, 0, axis, new Array<number>(shape[axis]!).fill(1))
    return parts.map((part) => shaped(call, part, shape.toSpliced(axis, 1)))
  },
  ConcatV2: (call) => {
    const axis = call.axis(call.int(call.inputs.length - 1), call.shape(0).length)
    return joined(call, call.inputs.slice(0, -1), axis)
  },
  Concat: (call) =>
    joined(call, call.inputs.slice(1), call.axis(call.int(0), call.shape(1).length)),
  Split: (call) => {
    const shape = call.shape(1)
    const axis = call.axis(call.int(0), shape.length)
    const count = call.number('num_split', 1)
    const size = shape[axis]! / count
    if (!Number.isInteger(size) || count < 1)
      throw new Malformed(`${count} parts of ${shape[axis]}`)
    return parted(call, 1, axis, new Array<number>(count).fill(size))
  },
  SplitV: (call) => {
    const shape = call.shape(0)
    const axis = call.axis(call.int(2), shape.length)
    const sizes = call.ints(1)
    const rest = shape[axis]! - sizes.reduce((sum, n) => sum + Math.max(n, 0), 0)
    const open = sizes.map((n) => (n < 0 ? rest : n))
    return parted(call, 0, axis, open)
  },
  Slice: (call) => {
    const shape = call.shape(0)
    const begin = call.ints(1)
    const size = call.ints(2).map((n, i) => (n < 0 ? shape[i]! - begin[i]! : n))
    return sliced(call, call.input(0), begin, size)
  },
  StridedSlice: stridedSlice,
  Transpose: (call) => {
    const permutation = call.ints(1)
    const x = call.input(0)
    if (x.kind !== 'host') {
      return traced(call.type(0), call.b.transpose(call.tensor(0), permutation))
    }
    const shape = permutation.map((axis) => x.shape[axis]!)
    return gathered(x, shape, (at) => x.shape.map((_, i) => at[permutation.indexOf(i)]!))
  },
  Tile: (call) => {
    const shape = call.shape(0)
    const times = call.ints(1)
    const x = call.input(0)
    const out = shape.map((n, i) => n * times[i]!)
    if (x.kind === 'host') return gathered(x, out, (at) => at.map((n, i) => n % shape[i]!))
    checkedSize(out)
    const { b } = call
    // a new axis before each, along which the whole is repeated
    const apart = b.reshape(
      call.tensor(0),
      shape.flatMap((n) => [1, n]),
    )
    const all = b.broadcastTo(
      apart,
      shape.flatMap((n, i) => [times[i]!, n]),
    )
    return traced(call.type(0), b.reshape(all, out))
  },
  Fill: (call) => {
    const value = call.input(1)
    if (value.kind === 'host') return call.filled(value.type, call.ints(0), value.data)
    return traced(call.type(1), call.b.broadcastTo(call.tensor(1), call.ints(0)))
  },
  BroadcastTo: (call) => broadcast(call, call.input(0), call.ints(1)),
  BroadcastArgs: (call) => vector(broadcastShape(call.ints(0), call.ints(1))),
  Range: (call) => {
    const [start, limit, delta] = [call.int(0), call.int(1), call.int(2)]
    const count = Math.max(0, Math.ceil((limit - start) / delta))
    checkedSize([count])
    call.around.limits.numbers(count)
    const values = Array.from({ length: count }, (_, i) => start + i * delta)
    return host(call.type(0), [count], values)
  },
  GatherV2: (call) => gather(call, call.int(2)),
  Gather: (call) => gather(call, 0),
  Pad: (call) => pad(call, 0),
  PadV2: (call) => pad(call, call.int(2)),
  MirrorPad: (call) => {
    const shift = call.text('mode', 'REFLECT') === 'REFLECT' ? 1 : 0
    const padding = pairs(call.ints(1))
    const mirrored = padding.reduce((x, [before, after], axis) => {
      const n = x.shape[axis]!
      const rows = [
        ...Array.from({ length: before }, (_, i) => before - 1 - i + shift),
        ...Array.from({ length: n }, (_, i) => i),
        ...Array.from({ length: after }, (_, i) => n - 1 - shift - i),
      ]
      return before + after === 0 ? x : rowsOf(call.b, x, axis, rows)
    }, call.tensor(0))
    return traced(call.type(0), mirrored)
  },
}

function vector(values: readonly number[]): Host {
  return host('int', [values.length], values)
}

function reshapeTo(from: Shape, wanted: readonly number[]): number[] {
  const open = wanted.indexOf(-1)
  if (open < 0) return [...wanted]
  const known = wanted.reduce((product, n, i) => (i === open ? product : product * n), 1)
  return wanted.map((n, i) => (i === open ? (known === 0 ? 0 : sizeOf(from) / known) : n))
}

function reshaped(call: Call, shape: Shape): Value {
  return shaped(call, call.input(0), shape)
}

/** Values side by side along an axis, each first given the shape that `as` says. */
function joined(
  call: Call,
  values: readonly Value[],
  axis: number,
  as: (value: Value, shape: Shape) => Shape = (_, shape) => shape,
): Value {
  const shapes = values.map((v) => as(v, v.kind === 'host' ? v.shape : call.toTensor(v).shape))
  const [first] = shapes
  if (!first) throw new Malformed('nothing to join')
  const fit = shapes.every(
    (s) => s.length === first.length && s.every((n, i) => i === axis || n === first[i]),
  )
  if (!fit) throw new Malformed(`${shapes.map((s) => `[${s.join(', ')}]`).join(' ')} along ${axis}`)
  const known = values.every((v): v is Host => v.kind === 'host')
  if (!known) {
    const parts = values.map((v, i) => call.b.reshape(call.toTensor(v), shapes[i]!))
    const filled = parts.filter((t) => t.shape[axis] !== 0)
    const type = values.find((v) => v.kind === 'traced')
    return traced(type?.kind === 'traced' ? type.type : 'float', call.b.concat(filled, axis))
  }
  const length = shapes.reduce((sum, shape) => sum + shape[axis]!, 0)
  const shape = first.with(axis, length)
  const inner = sizeOf(first.slice(axis + 1))
  const outer = sizeOf(first.slice(0, axis))
  const data: number[] = []
  call.around.limits.numbers(checkedSize(shape))
  for (let row = 0; row < outer; row += 1) {
    values.forEach((v, k) => {
      const block = shapes[k]![axis]! * inner
      for (let i = 0; i < block; i += 1) data.push(v.data[row * block + i]!)
    })
  }
  return host(values[0]!.type, shape, data)
}

function parted(call: Call, i: number, axis: number, sizes: readonly number[]): Value[] {
  const shape = call.shape(i)
  let start = 0
  return sizes.map((size) => {
    const begin = shape.map((_, k) => (k === axis ? start : 0))
    start += size
    return sliced(call, call.input(i), begin, shape.with(axis, size))
  })
}

function broadcast(call: Call, x: Value, shape: Shape): Value {
  checkedSize(shape)
  if (x.kind !== 'host') {
    return traced('type' in x ? x.type : 'float', call.b.broadcastTo(call.toTensor(x), shape))
  }
  if (x.data.length === 1) return call.filled(x.type, shape, x.data)
  const read = reader(x, shape)
  call.around.limits.numbers(sizeOf(shape))
  return host(
    x.type,
    shape,
    Array.from({ length: sizeOf(shape) }, (_, i) => read(i)),
  )
}

function gather(call: Call, axis: number): Value {
  if (call.number('batch_dims', 0) !== 0) throw new Unsupported('with batch_dims')
  const shape = call.shape(0)
  const along = call.axis(axis, shape.length)
  const rows = call.ints(1)
  const out = [...shape.slice(0, along), ...call.shape(1), ...shape.slice(along + 1)]
  if (!rows.every((row) => row >= 0 && row < shape[along]!))
    throw new Malformed('a row out of range')
  const x = call.input(0)
  const flat = shape.with(along, rows.length)
  if (x.kind === 'host') {
    return shaped(
      call,
      gathered(x, flat, (at) => at.with(along, rows[at[along]!]!)),
      out,
    )
  }
  return shaped(call, traced(call.type(0), rowsOf(call.b, call.tensor(0), along, rows)), out)
}

function pairs(flat: readonly number[]): [number, number][] {
  return Array.from({ length: flat.length / 2 }, (_, i) => [flat[2 * i]!, flat[2 * i + 1]!])
}

function pad(call: Call, value: number): Value {
  const padding = pairs(call.ints(1))
  checkedSize(call.shape(0).map((n, i) => n + padding[i]![0] + padding[i]![1]))
  return traced(call.type(0), call.b.pad(call.tensor(0), padding, value))
}

import { fromHalf } from '../../util/half.ts'
import type { TensorProto } from './graph-def.ts'
import type { ValueType } from './stored.ts'
import { WireError } from './wire.ts'

/** tensorflow/core/framework/types.proto. */
const TYPES: Readonly<Record<number, ValueType>> = {
  1: 'float',
  2: 'float',
  3: 'int',
  4: 'int',
  5: 'int',
  6: 'int',
  9: 'int',
  10: 'bool',
  14: 'float',
  17: 'int',
  19: 'float',
  22: 'int',
  23: 'int',
}

/** Of a DataType; references (TF1's variables) are 100 more. */
export function valueType(dtype: number): ValueType {
  return TYPES[dtype > 100 ? dtype - 100 : dtype] ?? 'other'
}

/** Values that a few bytes may stand for in full; what is larger and not one value again and again is no constant of a network. */
const EXPANDED = 2 ** 24

export interface TensorValue {
  readonly type: ValueType
  readonly shape: readonly number[]
  /** As many as the shape has, or one that stands for all. */
  readonly values: ArrayLike<number>
}

/** A constant; undefined for one that holds no numbers. Throws WireError where values and shape do not fit. */
export function tensorValue(proto: TensorProto): TensorValue | undefined {
  const type = valueType(proto.dtype)
  if (type === 'other') return undefined
  const shape = proto.shape.dims.map(({ size }) => size)
  if (proto.shape.unknownRank || shape.some((n) => n < 0)) {
    throw new WireError('a constant of unknown shape')
  }
  const size = shape.reduce((product, n) => product * n, 1)
  if (proto.content.length > 0) return { type, shape, values: ofContent(proto, size) }
  return { type, shape, values: repeatedTo(size, listed(proto)) }
}

function ofContent({ dtype, content }: TensorProto, size: number): ArrayLike<number> {
  const read = CONTENT[dtype]
  if (!read || content.length !== size * read.bytes) {
    throw new WireError(`${content.length} bytes for a constant of ${size} values`)
  }
  const view = new DataView(content.buffer, content.byteOffset, content.length)
  const values = new Float64Array(size)
  for (let i = 0; i < size; i += 1) values[i] = read.at(view, i * read.bytes)
  return values
}

/** As TensorFlow has it: the last value stands for all that follow, none is zero. */
function repeatedTo(size: number, listed: readonly number[]): ArrayLike<number> {
  if (listed.length > Math.max(size, 1)) {
    throw new WireError(`${listed.length} values for a constant of ${size}`)
  }
  if (size === 0) return []
  if (listed.length <= 1) return [listed[0] ?? 0]
  if (listed.length === size) return listed
  if (size > EXPANDED) {
    throw new WireError(`a constant of ${size} values of which ${listed.length} are there`)
  }
  const values = new Float64Array(size).fill(listed.at(-1)!)
  values.set(listed)
  return values
}

function listed(proto: TensorProto): readonly number[] {
  switch (proto.dtype) {
    case 1:
      return proto.floats
    case 2:
      return proto.doubles
    case 9:
      return proto.int64s
    case 10:
      return proto.bools
    case 14:
      return proto.halves.map(ofBfloat16)
    case 19:
      return proto.halves.map(ofHalf)
    case 22:
      return proto.uint32s
    case 23:
      return proto.uint64s
    default:
      return proto.ints
  }
}

interface Content {
  readonly bytes: number
  readonly at: (view: DataView, offset: number) => number
}

const CONTENT: Readonly<Record<number, Content>> = {
  1: { bytes: 4, at: (view, at) => view.getFloat32(at, true) },
  2: { bytes: 8, at: (view, at) => view.getFloat64(at, true) },
  3: { bytes: 4, at: (view, at) => view.getInt32(at, true) },
  4: { bytes: 1, at: (view, at) => view.getUint8(at) },
  5: { bytes: 2, at: (view, at) => view.getInt16(at, true) },
  6: { bytes: 1, at: (view, at) => view.getInt8(at) },
  9: { bytes: 8, at: (view, at) => Number(view.getBigInt64(at, true)) },
  10: { bytes: 1, at: (view, at) => view.getUint8(at) },
  14: { bytes: 2, at: (view, at) => ofBfloat16(view.getUint16(at, true)) },
  17: { bytes: 2, at: (view, at) => view.getUint16(at, true) },
  19: { bytes: 2, at: (view, at) => ofHalf(view.getUint16(at, true)) },
  22: { bytes: 4, at: (view, at) => view.getUint32(at, true) },
  23: { bytes: 8, at: (view, at) => Number(view.getBigUint64(at, true)) },
}

function ofHalf(bits: number): number {
  return fromHalf(Uint16Array.of(bits), new Float32Array(1))[0]!
}

/** The upper half of a float32. */
function ofBfloat16(bits: number): number {
  return new Float32Array(Uint32Array.of(bits << 16).buffer)[0]!
}

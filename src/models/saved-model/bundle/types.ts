import { fromHalf } from '../../../util/half.ts'

/** How values of a type of tensorflow/core/framework/types.proto lie in a bundle, and become float32. */
export interface BundleType {
  readonly name: string
  /** Of one value. */
  readonly bytes: number
  /** Little-endian bytes, aligned for their type, to float32: rounded for wider types, and for integers past 2^24. */
  readonly toFloats: (buffer: ArrayBuffer) => Float32Array
}

const integers =
  (array: new (buffer: ArrayBuffer) => Iterable<number> & ArrayLike<number>) =>
  (buffer: ArrayBuffer) =>
    Float32Array.from(new array(buffer))

/** By their number in types.proto; complex numbers, resources and variants are no weights, and strings have no width. */
export const BUNDLE_TYPES: Readonly<Record<number, BundleType>> = {
  1: { name: 'float32', bytes: 4, toFloats: (buffer) => new Float32Array(buffer) },
  2: { name: 'float64', bytes: 8, toFloats: integers(Float64Array) },
  3: { name: 'int32', bytes: 4, toFloats: integers(Int32Array) },
  4: { name: 'uint8', bytes: 1, toFloats: integers(Uint8Array) },
  5: { name: 'int16', bytes: 2, toFloats: integers(Int16Array) },
  6: { name: 'int8', bytes: 1, toFloats: integers(Int8Array) },
  9: {
    name: 'int64',
    bytes: 8,
    toFloats: (buffer) => Float32Array.from(new BigInt64Array(buffer), Number),
  },
  10: { name: 'bool', bytes: 1, toFloats: integers(Uint8Array) },
  14: {
    name: 'bfloat16',
    bytes: 2,
    // The upper half of a float32.
    toFloats: (buffer) =>
      new Float32Array(Uint32Array.from(new Uint16Array(buffer), (bits) => bits << 16).buffer),
  },
  17: { name: 'uint16', bytes: 2, toFloats: integers(Uint16Array) },
  19: {
    name: 'float16',
    bytes: 2,
    toFloats: (buffer) => {
      const halves = new Uint16Array(buffer)
      return fromHalf(halves, new Float32Array(halves.length))
    },
  },
  22: { name: 'uint32', bytes: 4, toFloats: integers(Uint32Array) },
  23: {
    name: 'uint64',
    bytes: 8,
    toFloats: (buffer) => Float32Array.from(new BigUint64Array(buffer), Number),
  },
}

export const STRING = 7

const OTHERS: Readonly<Record<number, string>> = {
  [STRING]: 'string',
  8: 'complex64',
  18: 'complex128',
  20: 'resource',
  21: 'variant',
}

export function typeName(dtype: number): string {
  return BUNDLE_TYPES[dtype]?.name ?? OTHERS[dtype] ?? `type ${dtype}`
}

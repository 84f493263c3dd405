/** One slice of a partitioned variable: where it starts and how long it is on each axis; `undefined` is a whole axis. */
export type Slice = readonly ({ readonly start: number; readonly length: number } | undefined)[]

/**
 * The key of a slice's row, as latin1 text: 0, the variable's name, the number of axes, start and length of each, in an
 * encoding that sorts as its values do. Source: tensorflow/core/util/saved_tensor_slice_util.cc, EncodeTensorNameSlice,
 * and tensorflow/core/lib/strings/ordered_code.cc.
 */
export function sliceKey(name: string, slice: Slice): string {
  const bytes: number[] = [...unsigned(0)]
  for (const byte of Buffer.from(name)) {
    bytes.push(byte)
    if (byte === 0) bytes.push(0xff)
    else if (byte === 0xff) bytes.push(0)
  }
  bytes.push(0, 1, ...unsigned(slice.length))
  // A whole axis is written as start 0, length -1.
  for (const extent of slice) {
    bytes.push(...signed(extent?.start ?? 0), ...signed(extent?.length ?? -1))
  }
  return Buffer.from(bytes).toString('latin1')
}

/** Slices' rows are the only ones whose key starts so. */
export function isSliceKey(key: string): boolean {
  return key.startsWith('\0')
}

/** A count of bytes, then so many, the most significant first. */
function unsigned(value: number): number[] {
  const bytes: number[] = []
  for (let rest = value; rest > 0; rest = Math.floor(rest / 256)) bytes.unshift(rest % 256)
  return [bytes.length, ...bytes]
}

/**
 * n bytes hold 7n bits, the sign among them; as many leading bits say n. The sign's extension is kept and the bits
 * that say n are flipped in it, so that negative numbers sort before the others.
 */
function signed(value: number): number[] {
  const magnitude = BigInt(value < 0 ? ~BigInt(value) : value)
  const bits = magnitude === 0n ? 0 : magnitude.toString(2).length
  const count = Math.floor(bits / 7) + 1
  const header = ((1n << BigInt(count)) - 1n) << BigInt(8 * count - count)
  const code = BigInt.asUintN(8 * count, BigInt(value)) ^ header
  return Array.from({ length: count }, (_, i) =>
    Number((code >> BigInt(8 * (count - 1 - i))) & 255n),
  )
}

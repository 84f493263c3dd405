/** A field of a protobuf message: an integer (varint or fixed), or the bytes of a string or of a message within. */
export type Field = { readonly number: number } & (
  | { readonly value: number; readonly bytes?: undefined }
  | { readonly bytes: Uint8Array; readonly value?: undefined }
)

/** Where the bytes are no protobuf message, or no table of varints. */
export class WireError extends Error {}

/** Reads varints, fixed integers and runs of bytes; throws WireError at the end of the bytes. */
export class Cursor {
  readonly bytes: Uint8Array
  at: number
  readonly end: number

  constructor(bytes: Uint8Array, at = 0, end = bytes.length) {
    this.bytes = bytes
    this.at = at
    this.end = end
  }

  /** Signed, as int64 has it (ten bytes for a negative number); throws where a number cannot hold it. */
  varint(): number {
    let low = 0
    let high = 0
    for (let shift = 0; shift < 70; shift += 7) {
      const byte = this.byte()
      if (shift < 28) low += (byte & 127) * 2 ** shift
      else high += (byte & 127) * 2 ** (shift - 28)
      if (byte < 128) return exact(low, high)
    }
    throw new WireError('a varint of more than ten bytes')
  }

  byte(): number {
    if (this.at >= this.end) throw new WireError('it ends in the middle of a value')
    return this.bytes[this.at++]!
  }

  fixed32(): number {
    const b = this.take(4)
    return (b[0]! | (b[1]! << 8) | (b[2]! << 16) | (b[3]! << 24)) >>> 0
  }

  /** A view, not a copy. */
  take(count: number): Uint8Array {
    if (count < 0 || count > this.end - this.at)
      throw new WireError('it ends in the middle of a value')
    this.at += count
    return this.bytes.subarray(this.at - count, this.at)
  }
}

/** `high` counts 2^28; from 2^63 on the number is negative (two's complement of 64 bits). */
function exact(low: number, high: number): number {
  const value = high * 2 ** 28 + low
  if (Number.isSafeInteger(value)) return value
  const negative = BigInt.asIntN(64, (BigInt(high) << 28n) + BigInt(low))
  if (negative < 0n && negative >= BigInt(Number.MIN_SAFE_INTEGER)) return Number(negative)
  throw new WireError('a number that is too large')
}

/** The fields of a message in their order; unknown ones too. Throws WireError. */
export function* fields(message: Uint8Array): Generator<Field> {
  const cursor = new Cursor(message)
  while (cursor.at < cursor.end) {
    const tag = cursor.varint()
    const number = Math.floor(tag / 8)
    switch (tag & 7) {
      case 0:
        yield { number, value: cursor.varint() }
        break
      case 1:
        yield { number, bytes: cursor.take(8) }
        break
      case 2:
        yield { number, bytes: cursor.take(cursor.varint()) }
        break
      case 5:
        yield { number, value: cursor.fixed32() }
        break
      default:
        throw new WireError(`wire type ${tag & 7}`)
    }
  }
}

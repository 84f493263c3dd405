/**
 * The protobuf wire format, for reading. Everything is a view of the bytes given, so a hostile length can ask for no memory;
 * what the bytes do not hold is a WireError.
 */
export class WireError extends Error {}

/** One field of a message as it lies in the bytes. */
export interface Field {
  readonly number: number
  /** 0 varint, 1 eight bytes, 2 a run of bytes, 5 four bytes. */
  readonly type: 0 | 1 | 2 | 5
  /** Of a varint, as int64; beyond 2^53 the nearest number. */
  readonly value: number
  /** Of the others. */
  readonly bytes: Uint8Array
}

const NOTHING = new Uint8Array(0)

/** The fields of a message in their order, unknown ones included. Throws WireError. */
export function* fields(message: Uint8Array): Generator<Field> {
  const cursor = new Cursor(message)
  while (!cursor.done) {
    const tag = cursor.varint()
    const number = Math.floor(tag / 8)
    const type = tag % 8
    switch (type) {
      case 0:
        yield { number, type, value: cursor.varint(), bytes: NOTHING }
        break
      case 1:
        yield { number, type, value: 0, bytes: cursor.take(8) }
        break
      case 2:
        yield { number, type, value: 0, bytes: cursor.take(cursor.varint()) }
        break
      case 5:
        yield { number, type, value: 0, bytes: cursor.take(4) }
        break
      default:
        throw new WireError(`wire type ${type}`)
    }
  }
}

/** The numbers of a packed field of varints. */
export function* varints(bytes: Uint8Array): Generator<number> {
  const cursor = new Cursor(bytes)
  while (!cursor.done) yield cursor.varint()
}

class Cursor {
  readonly #bytes: Uint8Array
  #at = 0

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes
  }

  get done(): boolean {
    return this.#at >= this.#bytes.length
  }

  varint(): number {
    let value = 0
    let factor = 1
    for (let count = 0; count < 10; count += 1) {
      const byte = this.#byte()
      // The tenth byte of a negative number: 2^63 and nothing more, in two's complement.
      if (count === 9) return this.#negative()
      value += (byte & 127) * factor
      if (byte < 128) return value
      factor *= 128
    }
    throw new WireError('a varint of more than ten bytes')
  }

  /** A view, not a copy. */
  take(count: number): Uint8Array {
    if (count < 0 || count > this.#bytes.length - this.#at) {
      throw new WireError(`${count} bytes where ${this.#bytes.length - this.#at} are left`)
    }
    this.#at += count
    return this.#bytes.subarray(this.#at - count, this.#at)
  }

  #byte(): number {
    if (this.#at >= this.#bytes.length) throw new WireError('it ends in the middle of a number')
    return this.#bytes[this.#at++]!
  }

  /** The number whose ten bytes end here. */
  #negative(): number {
    if (this.#bytes[this.#at - 1]! > 1) throw new WireError('a varint of more than 64 bits')
    let bits = 0n
    for (let i = 1; i <= 10; i += 1) bits = (bits << 7n) | BigInt(this.#bytes[this.#at - i]! & 127)
    return Number(BigInt.asIntN(64, bits))
  }
}

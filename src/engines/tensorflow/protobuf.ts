/**
 * The little of the protobuf wire format that GraphDef and ConfigProto need, for writing only. Bytes handed in are
 * kept by reference and copied once, by `writeTo`: the weights in a graph are its size.
 */
export class Message {
  readonly #chunks: Uint8Array[] = []
  #length = 0

  /** In bytes, once encoded. */
  get length(): number {
    return this.#length
  }

  /** int32, int64, enum or bool; a negative one takes ten bytes. */
  varint(field: number, value: number | boolean): this {
    return this.#push(
      Uint8Array.from([...encodeVarint(field << 3), ...encodeVarint(Number(value))]),
    )
  }

  float(field: number, value: number): this {
    const bytes = new Uint8Array(5)
    bytes[0] = (field << 3) | 5
    new DataView(bytes.buffer).setFloat32(1, value, true)
    return this.#push(bytes)
  }

  string(field: number, value: string): this {
    return this.bytes(field, new TextEncoder().encode(value))
  }

  bytes(field: number, value: Uint8Array): this {
    this.#header(field, value.byteLength)
    return value.byteLength > 0 ? this.#push(value) : this
  }

  message(field: number, value: Message): this {
    this.#header(field, value.length)
    for (const chunk of value.#chunks) this.#chunks.push(chunk)
    this.#length += value.length
    return this
  }

  /** A repeated number field, packed. */
  packed(field: number, values: readonly number[]): this {
    return this.bytes(field, Uint8Array.from(values.flatMap(encodeVarint)))
  }

  /** Writes the whole into the first `length` bytes of `target`. */
  writeTo(target: Uint8Array): void {
    let at = 0
    for (const chunk of this.#chunks) {
      target.set(chunk, at)
      at += chunk.byteLength
    }
  }

  toBytes(): Uint8Array {
    const bytes = new Uint8Array(this.#length)
    this.writeTo(bytes)
    return bytes
  }

  #header(field: number, length: number): void {
    this.#push(Uint8Array.from([...encodeVarint((field << 3) | 2), ...encodeVarint(length)]))
  }

  #push(bytes: Uint8Array): this {
    this.#chunks.push(bytes)
    this.#length += bytes.byteLength
    return this
  }
}

/** Little-endian groups of seven bits; negative numbers as 64-bit two's complement. */
export function encodeVarint(value: number): number[] {
  const bytes: number[] = []
  let rest = BigInt.asUintN(64, BigInt(value))
  do {
    const low = Number(rest & 127n)
    rest >>= 7n
    bytes.push(rest > 0n ? low | 128 : low)
  } while (rest > 0n)
  return bytes
}

import { Cursor, WireError } from './wire.ts'

/** A copy of 64 bytes takes three: no honest block grows further. */
const MOST_GROWTH = 64 / 3

/**
 * Decompresses one raw snappy block (google/snappy, format_description.txt): a length, then runs of literal bytes and
 * copies of what came before. TensorFlow writes its index plain, Google's own builds (TF Serving's examples among them)
 * write it so. Throws WireError.
 */
export function unsnappy(block: Uint8Array): Uint8Array {
  const cursor = new Cursor(block)
  const length = cursor.varint()
  if (length < 0 || length > block.length * MOST_GROWTH) {
    throw new WireError(`a compressed block of ${block.length} bytes says it has ${length}`)
  }
  const out = new Uint8Array(length)
  let at = 0
  while (cursor.at < cursor.end) {
    const tag = cursor.byte()
    const kind = tag & 3
    if (kind === 0) {
      const short = tag >>> 2
      const bytes = cursor.take(1 + (short < 60 ? short : little(cursor, short - 59)))
      if (at + bytes.length > length)
        throw new WireError('a compressed block is longer than it says')
      out.set(bytes, at)
      at += bytes.length
      continue
    }
    const count = kind === 1 ? 4 + ((tag >>> 2) & 7) : 1 + (tag >>> 2)
    const back =
      kind === 1 ? ((tag >>> 5) << 8) | cursor.byte() : little(cursor, kind === 2 ? 2 : 4)
    if (back === 0 || back > at || at + count > length) {
      throw new WireError('a compressed block copies what is not there')
    }
    // Byte by byte: a copy may overlap what it makes, and repeats it then.
    for (let i = 0; i < count; i += 1, at += 1) out[at] = out[at - back]!
  }
  if (at !== length) throw new WireError('a compressed block is shorter than it says')
  return out
}

function little(cursor: Cursor, bytes: number): number {
  return cursor.take(bytes).reduce((sum, byte, i) => sum + byte * 256 ** i, 0)
}

import { sized, truncated } from './format.ts'
import type { FormatReader, PictureCheck } from './format.ts'

/** Bytes of one value by field type; the last three are BigTIFF's. */
const BYTES: readonly number[] = [0, 1, 1, 2, 4, 8, 1, 1, 2, 4, 8, 4, 8, 4, 0, 0, 8, 8, 8]
const WIDTH = 256
const HEIGHT = 257
/** Offsets and byte counts of strips, then of tiles. */
const DATA: readonly (readonly [number, number])[] = [
  [273, 279],
  [324, 325],
]

export const TIFF: FormatReader = {
  format: 'tiff',
  extensions: ['.tif', '.tiff'],
  check: checkTiff,
}

/** The first directory, and that every strip or tile it names lies in the file (TIFF 6.0; BigTIFF). */
function checkTiff(bytes: Buffer): PictureCheck {
  const read = reader(bytes)
  try {
    const fields = read.directory()
    const size = sized('tiff', fields.get(WIDTH)?.[0] ?? 0, fields.get(HEIGHT)?.[0] ?? 0)
    if ('problem' in size) return size
    const data = DATA.find(([offsets]) => fields.has(offsets))
    const offsets = data && fields.get(data[0])
    if (data === undefined || offsets === undefined || offsets.length === 0) {
      return { problem: 'a TIFF without picture data' }
    }
    const counts = fields.get(data[1]) ?? []
    const inside = offsets.every((offset, i) => offset + (counts[i] ?? 1) <= bytes.length)
    return inside ? size : truncated('picture data lies beyond the end of the file')
  } catch (error) {
    if (error instanceof RangeError) return truncated('the file ends inside its directory')
    throw error
  }
}

/** Reads outside the file throw a RangeError, as Buffer's own methods do. */
function reader(bytes: Buffer) {
  const little = bytes[0] === 0x49
  const number = (at: number, size: number): number => {
    if (size === 8) {
      return Number(little ? bytes.readBigUInt64LE(at) : bytes.readBigUInt64BE(at))
    }
    return little ? bytes.readUIntLE(at, size) : bytes.readUIntBE(at, size)
  }
  const big = number(2, 2) === 43
  const word = big ? 8 : 4
  const wanted = new Set([WIDTH, HEIGHT, ...DATA.flat()])
  const directory = (): Map<number, number[]> => {
    const fields = new Map<number, number[]>()
    const start = number(word, word)
    const entries = number(start, big ? 8 : 2)
    if (entries > 65535) throw new RangeError('too many entries')
    for (let i = 0; i < entries; i += 1) {
      const entry = start + (big ? 8 : 2) + i * (4 + 2 * word)
      const tag = number(entry, 2)
      const size = BYTES[number(entry + 2, 2)] ?? 0
      const count = number(entry + 4, word)
      const inline = count * size <= word
      const at = inline ? entry + 4 + word : number(entry + 4 + word, word)
      if (at + count * size > bytes.length) throw new RangeError('values outside the file')
      if (!wanted.has(tag) || size === 0) continue
      fields.set(
        tag,
        Array.from({ length: count }, (_, k) => number(at + k * size, size)),
      )
    }
    number(start + (big ? 8 : 2) + entries * (4 + 2 * word), word) // the next directory's offset
    return fields
  }
  return { directory }
}

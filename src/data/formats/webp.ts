import { sized, truncated } from './format.ts'
import type { FormatReader, PictureCheck } from './format.ts'

export const WEBP: FormatReader = {
  format: 'webp',
  extensions: ['.webp'],
  check: checkWebp,
}

/** The RIFF size and all chunks (WebP container specification, RFC 9649). */
function checkWebp(bytes: Buffer): PictureCheck {
  if (bytes.length < 20) return truncated('the file ends inside the header')
  const end = 8 + bytes.readUInt32LE(4)
  if (end > bytes.length) return truncated(`${bytes.length} bytes of ${end}`)
  let size: PictureCheck | undefined
  let frames = 0
  let position = 12
  while (position + 8 <= end) {
    const type = bytes.toString('latin1', position, position + 4)
    const length = bytes.readUInt32LE(position + 4)
    const start = position + 8
    if (start + length > end) return truncated('the file ends inside a chunk')
    if (type === 'VP8 ' || type === 'VP8L' || type === 'ANMF') frames += 1
    size ??= readSize(type, bytes.subarray(start, start + length))
    position = start + length + (length & 1)
  }
  if (frames === 0 || size === undefined) return { problem: 'a WebP without picture data' }
  return size
}

function readSize(type: string, chunk: Buffer): PictureCheck | undefined {
  if (type === 'VP8X' && chunk.length >= 10) {
    return sized('webp', 1 + chunk.readUIntLE(4, 3), 1 + chunk.readUIntLE(7, 3))
  }
  if (type === 'VP8L' && chunk.length >= 5 && chunk[0] === 0x2f) {
    const bits = chunk.readUInt32LE(1)
    return sized('webp', 1 + (bits & 0x3fff), 1 + ((bits >>> 14) & 0x3fff))
  }
  if (type === 'VP8 ' && chunk.length >= 10 && chunk.readUIntBE(3, 3) === 0x9d012a) {
    return sized('webp', chunk.readUInt16LE(6) & 0x3fff, chunk.readUInt16LE(8) & 0x3fff)
  }
  return type.startsWith('VP8') ? { problem: 'a WebP with a damaged header' } : undefined
}

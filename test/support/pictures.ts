import { mkdir, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { crc32, deflateSync } from 'node:zlib'

/** A PNG (8-bit grey) whose pixels follow from the seed, so that different seeds give different bytes. */
export function pngBytes(seed: number, width = 4, height = 3): Buffer {
  const header = Buffer.alloc(13)
  header.writeUInt32BE(width, 0)
  header.writeUInt32BE(height, 4)
  header[8] = 8
  const rows = Buffer.alloc((width + 1) * height)
  for (let i = 0; i < rows.length; i += 1) {
    rows[i] = i % (width + 1) === 0 ? 0 : Math.imul(seed + 1, 2654435761 + i * 40503) >>> 24
  }
  rows.writeUInt16BE(seed & 0xffff, rows.length - 2)
  return Buffer.concat([
    Buffer.from('89504e470d0a1a0a', 'hex'),
    pngChunk('IHDR', header),
    pngChunk('IDAT', deflateSync(rows)),
    pngChunk('IEND', Buffer.alloc(0)),
  ])
}

export function pngChunk(type: string, data: Buffer): Buffer {
  const body = Buffer.concat([Buffer.from(type, 'latin1'), data])
  const chunk = Buffer.alloc(body.length + 8)
  chunk.writeUInt32BE(data.length, 0)
  body.copy(chunk, 4)
  chunk.writeUInt32BE(crc32(body), chunk.length - 4)
  return chunk
}

/** Writes files, making their folders: a string value is text, a number the seed of a PNG. */
export async function writeTree(
  root: string,
  files: Readonly<Record<string, string | number | Uint8Array>>,
): Promise<void> {
  for (const [path, content] of Object.entries(files)) {
    const at = join(root, path)
    await mkdir(dirname(at), { recursive: true })
    await writeFile(at, typeof content === 'number' ? pngBytes(content) : content)
  }
}

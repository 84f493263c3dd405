import { sized, truncated } from './format.ts'
import type { FormatReader, PictureCheck } from './format.ts'

/** Baseline, extended and progressive, Huffman or arithmetic; lossless and hierarchical ones are read by no decoder here. */
const DECODABLE: ReadonlySet<number> = new Set([0xc0, 0xc1, 0xc2, 0xc9, 0xca])
const NOT_A_FRAME: ReadonlySet<number> = new Set([0xc4, 0xc8, 0xcc])

export const JPEG: FormatReader = {
  format: 'jpeg',
  extensions: ['.jpg', '.jpeg'],
  check: checkJpeg,
}

/** Walks all segments and scans to the end-of-image marker (ISO 10918-1, annex B). What follows it is ignored. */
function checkJpeg(bytes: Buffer): PictureCheck {
  let position = 2
  let width = 0
  let height = 0
  let scans = 0
  for (;;) {
    position = bytes.indexOf(0xff, position)
    while (position >= 0 && bytes[position + 1] === 0xff) position += 1
    if (position < 0 || position + 1 >= bytes.length) {
      return truncated(scans > 0 ? 'no end-of-image marker' : 'the file ends before the picture')
    }
    const marker = bytes[position + 1]!
    position += 2
    if (marker === 0xd9) break
    if (marker === 0x00 || marker === 0x01 || (marker >= 0xd0 && marker <= 0xd8)) continue
    if (position + 2 > bytes.length) return truncated('the file ends inside a segment')
    const end = position + bytes.readUInt16BE(position)
    if (end > bytes.length) return truncated('the file ends inside a segment')
    if (marker >= 0xc0 && marker <= 0xcf && !NOT_A_FRAME.has(marker)) {
      const problem = frameProblem(bytes, position, end, marker)
      if (problem !== undefined) return { problem }
      height = bytes.readUInt16BE(position + 3)
      width = bytes.readUInt16BE(position + 5)
    }
    position = Math.max(end, position + 2)
    if (marker === 0xda) {
      scans += 1
      position = endOfScan(bytes, position)
    }
  }
  if (scans === 0 || width === 0) return { problem: 'a JPEG without picture data' }
  return sized('jpeg', width, height)
}

function frameProblem(
  bytes: Buffer,
  start: number,
  end: number,
  marker: number,
): string | undefined {
  if (end - start < 8) return 'a JPEG with a damaged frame header'
  if (!DECODABLE.has(marker)) return 'a lossless or hierarchical JPEG, which is not supported'
  if (bytes[start + 2] !== 8) return `a JPEG of ${bytes[start + 2]} bits a sample, 8 are supported`
  const components = bytes[start + 7]!
  if (![1, 3, 4].includes(components)) return `a JPEG of ${components} components`
  return undefined
}

/** The next marker that is no stuffed byte and no restart; the end of the file when there is none. */
function endOfScan(bytes: Buffer, start: number): number {
  let position = bytes.indexOf(0xff, start)
  while (position >= 0) {
    const next = bytes[position + 1]
    if (next !== undefined && next !== 0 && next !== 0xff && (next < 0xd0 || next > 0xd7)) {
      return position
    }
    position = bytes.indexOf(0xff, position + (next === 0xff ? 1 : 2))
  }
  return bytes.length
}

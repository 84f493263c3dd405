import { sized, truncated } from './format.ts'
import type { FormatReader, PictureCheck } from './format.ts'

export const GIF: FormatReader = {
  format: 'gif',
  extensions: ['.gif'],
  check: checkGif,
}

/** All blocks to the trailer (GIF89a, section 17 on). The size is the logical screen's. */
function checkGif(bytes: Buffer): PictureCheck {
  if (bytes.length < 13) return truncated('the file ends inside the header')
  const screen = sized('gif', bytes.readUInt16LE(6), bytes.readUInt16LE(8))
  let position = 13 + colourTable(bytes[10]!)
  let frames = 0
  while (position < bytes.length) {
    const block = bytes[position]!
    if (block === 0x3b) return frames > 0 ? screen : { problem: 'a GIF without picture data' }
    if (block === 0x2c) {
      frames += 1
      position += 11 + colourTable(bytes[position + 9] ?? 0)
    } else if (block === 0x21) position += 2
    else return { problem: `damaged: unknown GIF block 0x${block.toString(16)}` }
    while (position < bytes.length && bytes[position] !== 0) position += 1 + bytes[position]!
    position += 1
  }
  return truncated('no trailer')
}

/** Bytes of the colour table that a flags byte announces. */
function colourTable(flags: number): number {
  return (flags & 0x80) === 0 ? 0 : 3 * 2 ** ((flags & 7) + 1)
}

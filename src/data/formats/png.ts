import { crc32 } from 'node:zlib'
import { sized, truncated } from './format.ts'
import type { FormatReader, PictureCheck } from './format.ts'

/** Bit depths by colour type. */
const DEPTHS: Readonly<Record<number, readonly number[]>> = {
  0: [1, 2, 4, 8, 16],
  2: [8, 16],
  3: [1, 2, 4, 8],
  4: [8, 16],
  6: [8, 16],
}

export const PNG: FormatReader = {
  format: 'png',
  extensions: ['.png'],
  check: checkPng,
}

/** All chunks to IEND, with the CRC of those that decoding needs (ISO 15948, clause 5). */
function checkPng(bytes: Buffer): PictureCheck {
  let position = 8
  let data = 0
  let header: PictureCheck | undefined
  while (position + 12 <= bytes.length) {
    const length = bytes.readUInt32BE(position)
    const end = position + 12 + length
    if (end > bytes.length) return truncated('the file ends inside a chunk')
    const type = bytes.toString('latin1', position + 4, position + 8)
    const critical = (bytes[position + 4]! & 0x20) === 0
    if (critical && crc32(bytes.subarray(position + 4, end - 4)) !== bytes.readUInt32BE(end - 4)) {
      return { problem: `damaged: chunk ${JSON.stringify(type)} has a wrong checksum` }
    }
    if (header === undefined) {
      if (type !== 'IHDR' || length !== 13) return { problem: 'a PNG without its header' }
      header = readHeader(bytes.subarray(position + 8, end - 4))
      if ('problem' in header) return header
    } else if (type === 'IDAT') data += length
    else if (type === 'IEND') return data > 0 ? header : { problem: 'a PNG without picture data' }
    position = end
  }
  return truncated('no end chunk')
}

function readHeader(header: Buffer): PictureCheck {
  const depth = header[8]!
  const colour = header[9]!
  if (DEPTHS[colour]?.includes(depth) !== true) {
    return { problem: `a PNG of colour type ${colour} with ${depth} bits` }
  }
  return sized('png', header.readUInt32BE(0), header.readUInt32BE(4))
}

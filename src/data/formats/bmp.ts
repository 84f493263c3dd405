import { sized, truncated } from './format.ts'
import type { FormatReader, PictureCheck } from './format.ts'

export const BMP: FormatReader = {
  format: 'bmp',
  extensions: ['.bmp'],
  check: checkBmp,
}

/** The header and whether all rows are there; the file size in the header is often wrong and not looked at. */
function checkBmp(bytes: Buffer): PictureCheck {
  if (bytes.length < 26) return truncated('the file ends inside the header')
  const header = bytes.readUInt32LE(14)
  if (header !== 12 && (header < 40 || header > 124)) {
    return { problem: `a BMP with a header of ${header} bytes` }
  }
  if (bytes.length < 14 + header) return truncated('the file ends inside the header')
  const old = header === 12
  const width = old ? bytes.readUInt16LE(18) : bytes.readInt32LE(18)
  const height = Math.abs(old ? bytes.readUInt16LE(20) : bytes.readInt32LE(22))
  const bits = bytes.readUInt16LE(old ? 24 : 28)
  const compression = old ? 0 : bytes.readUInt32LE(30)
  const start = bytes.readUInt32LE(10)
  if (![1, 4, 8, 16, 24, 32].includes(bits)) return { problem: `a BMP of ${bits} bits a pixel` }
  const size = sized('bmp', width, height)
  if ('problem' in size) return size
  // Run-length encoded rows (1, 2) have no fixed size; bit fields (3, 6) are as long as plain rows.
  const plain = compression === 0 || compression === 3 || compression === 6
  const row = Math.ceil((width * bits) / 8)
  const stride = 4 * Math.ceil(row / 4)
  const end = plain ? start + stride * (height - 1) + row : start + 1
  if (end > bytes.length) return truncated(`${bytes.length} bytes, ${end} are needed`)
  return size
}

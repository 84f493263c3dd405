import type { RawPicture } from './colour.ts'

/** What a small reader found wrong with a file; decode.ts adds the file's name. */
export class ImageError extends Error {}

interface Header {
  readonly width: number
  readonly height: number
  readonly topDown: boolean
  readonly depth: number
  readonly compression: number
  /** Where the palette ends at the latest and the pixels begin. */
  readonly pixels: number
  readonly palette: { readonly at: number; readonly entry: number }
  readonly masks: readonly number[] | undefined
}

/** Windows and OS/2 bitmaps of 1, 4, 8, 16, 24 and 32 bits, either way up; run-length coding is refused. */
export function decodeBmp(bytes: Uint8Array, pixelLimit: number): RawPicture {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  const header = readHeader(view)
  const { width, height, depth } = header
  if (width * height > pixelLimit) throw tooLarge(width, height, pixelLimit)
  const stride = Math.ceil((width * depth) / 32) * 4
  if (header.pixels + stride * height > bytes.length) throw new ImageError('it is truncated')
  const read = depth <= 8 ? paletteRow(bytes, header) : directRow(view, header)
  const channels = depth > 8 && header.masks?.[3] ? 4 : 3
  const data = new Uint8Array(width * height * channels)
  for (let y = 0; y < height; y += 1) {
    const row = header.topDown ? y : height - 1 - y
    read(header.pixels + row * stride, data.subarray(y * width * channels))
  }
  return { width, height, model: channels === 4 ? 'rgba' : 'rgb', data }
}

export function tooLarge(width: number, height: number, limit: number): ImageError {
  return new ImageError(
    `it has ${width} x ${height} pixels (width x height), more than the limit of ${limit}`,
  )
}

function readHeader(view: DataView): Header {
  if (view.byteLength < 26) throw new ImageError('it is truncated')
  const size = view.getUint32(14, true)
  const old = size === 12
  if (!old && (size < 40 || view.byteLength < 14 + Math.min(size, 40))) {
    throw new ImageError(`its header of ${size} bytes is of an unknown kind`)
  }
  const width = old ? view.getUint16(18, true) : view.getInt32(18, true)
  const tall = old ? view.getUint16(20, true) : view.getInt32(22, true)
  const depth = view.getUint16(old ? 24 : 28, true)
  const compression = old ? 0 : view.getUint32(30, true)
  if (width <= 0 || tall === 0) throw new ImageError(`its size is ${width} x ${tall}`)
  if (![1, 4, 8, 16, 24, 32].includes(depth)) throw new ImageError(`it has ${depth} bits a pixel`)
  if (compression === 1 || compression === 2) {
    throw new ImageError('it is a run-length coded BMP, which is not read; save it uncompressed')
  }
  if (compression !== 0 && compression !== 3) {
    throw new ImageError(`it is a BMP with compression ${compression}, which is not read`)
  }
  return {
    width,
    height: Math.abs(tall),
    topDown: tall < 0,
    depth,
    compression,
    pixels: view.getUint32(10, true),
    palette: { at: 14 + size + (compression === 3 && size === 40 ? 12 : 0), entry: old ? 3 : 4 },
    masks: compression === 3 ? readMasks(view, size) : depth === 16 ? RGB555 : undefined,
  }
}

const RGB555 = [0x7c00, 0x3e0, 0x1f, 0]

/** Red, green, blue and alpha; the last only where the header has room for it. */
function readMasks(view: DataView, headerSize: number): number[] {
  const count = headerSize >= 56 ? 4 : 3
  if (view.byteLength < 54 + count * 4) throw new ImageError('it is truncated')
  const masks = Array.from({ length: count }, (_, i) => view.getUint32(54 + i * 4, true))
  return count === 4 ? masks : [...masks, 0]
}

type ReadRow = (at: number, out: Uint8Array) => void

function paletteRow(bytes: Uint8Array, header: Header): ReadRow {
  const { depth, width, palette, pixels } = header
  const perByte = 8 / depth
  const known = Math.floor((Math.min(pixels, bytes.length) - palette.at) / palette.entry)
  return (at, out) => {
    for (let x = 0; x < width; x += 1) {
      const shift = 8 - depth - (x % perByte) * depth
      const colour = (bytes[at + Math.floor(x / perByte)]! >> shift) & ((1 << depth) - 1)
      if (colour >= known) continue // a colour that the palette lacks is black
      const entry = palette.at + colour * palette.entry
      for (let c = 0; c < 3; c += 1) out[x * 3 + c] = bytes[entry + 2 - c]!
    }
  }
}

function directRow(view: DataView, header: Header): ReadRow {
  const { depth, width, masks } = header
  if (!masks) {
    const step = depth / 8
    return (at, out) => {
      for (let x = 0; x < width; x += 1) {
        for (let c = 0; c < 3; c += 1) out[x * 3 + c] = view.getUint8(at + x * step + 2 - c)
      }
    }
  }
  const fields = masks.filter((mask, i) => i < 3 || mask !== 0).map(field)
  return (at, out) => {
    for (let x = 0; x < width; x += 1) {
      const pixel =
        depth === 16 ? view.getUint16(at + x * 2, true) : view.getUint32(at + x * 4, true)
      fields.forEach(({ shift, top }, c) => {
        out[x * fields.length + c] = Math.floor((((pixel >>> shift) & top) * 255) / top)
      })
    }
  }
}

function field(mask: number): { shift: number; top: number } {
  if (mask === 0) throw new ImageError('one of its colour masks is empty')
  const shift = 31 - Math.clz32(mask & -mask)
  const top = mask >>> shift
  if (top > 255 || (top & (top + 1)) !== 0) throw new ImageError('its colour masks are unusual')
  return { shift, top }
}

import { ImageError, tooLarge } from './bmp.ts'
import type { RawPicture } from './colour.ts'

/**
 * The first frame of a GIF, on its screen. libvips loses the colour of transparent pixels, which
 * `transparency: drop` keeps as Pillow does; hence this reader. As in Pillow, screen outside the frame has the
 * transparent colour, or colour 0 where there is none.
 */
export function decodeGif(bytes: Uint8Array, pixelLimit: number): RawPicture {
  const { frame, screen } = findFrame(bytes)
  const [width, height] = screen
  if (width * height > pixelLimit) throw tooLarge(width, height, pixelLimit)
  const indices = new Uint8Array(width * height).fill(frame.transparent ?? 0)
  const pixels = unpack(bytes, frame.data, frame.width * frame.height)
  const row = frame.interlaced ? interlacedRows(frame.height) : undefined
  for (let y = 0; y < frame.height; y += 1) {
    const line = pixels.subarray(y * frame.width, (y + 1) * frame.width)
    const top = frame.top + (row ? row[y]! : y)
    indices.set(line, top * width + frame.left)
  }
  return paint(bytes, width, height, indices, frame)
}

interface Frame {
  readonly left: number
  readonly top: number
  readonly width: number
  readonly height: number
  readonly interlaced: boolean
  readonly palette: { readonly at: number; readonly colours: number } | undefined
  readonly transparent: number | undefined
  /** Where the LZW minimum code size stands. */
  readonly data: number
}

function findFrame(bytes: Uint8Array): { frame: Frame; screen: readonly [number, number] } {
  const byte = (at: number): number => {
    if (at >= bytes.length) throw new ImageError('it is truncated')
    return bytes[at]!
  }
  const word = (at: number): number => byte(at) | (byte(at + 1) << 8)
  const table = (flags: number, at: number) =>
    flags & 0x80 ? { at, colours: 2 << (flags & 7) } : undefined
  const after = (palette: Frame['palette'], at: number): number => at + 3 * (palette?.colours ?? 0)
  const common = table(byte(10), 13)
  let transparent: number | undefined
  let at = after(common, 13)
  for (;;) {
    const kind = byte(at)
    if (kind === 0x2c) break
    if (kind === 0x3b) throw new ImageError('it holds no picture')
    if (kind !== 0x21) {
      at += 1 // stray bytes between blocks are passed over
      continue
    }
    // A graphic control extension: flags, delay, transparent colour.
    if (byte(at + 1) === 0xf9) transparent = byte(at + 3) & 1 ? byte(at + 6) : undefined
    at += 2
    while (byte(at) !== 0) at += byte(at) + 1
    at += 1
  }
  const [left, top, width, height] = [word(at + 1), word(at + 3), word(at + 5), word(at + 7)]
  const flags = byte(at + 9)
  const own = table(flags, at + 10)
  // A frame that hangs over the edge makes the screen larger, as in Pillow.
  const screen = [Math.max(word(6), left + width), Math.max(word(8), top + height)] as const
  if (width === 0 || height === 0) throw new ImageError('its first frame is empty')
  return {
    frame: {
      left,
      top,
      width,
      height,
      interlaced: (flags & 0x40) !== 0,
      palette: own ?? common,
      transparent,
      data: after(own, at + 10),
    },
    screen,
  }
}

/** LZW, variable code size, least significant bit first. */
function unpack(bytes: Uint8Array, at: number, count: number): Uint8Array {
  const minimum = bytes[at] ?? 0
  if (minimum < 1 || minimum > 11) throw new ImageError(`its code size is ${minimum}`)
  const clear = 1 << minimum
  const prefix = new Uint16Array(4096)
  const suffix = new Uint8Array(4096)
  const length = new Uint16Array(4096)
  for (let i = 0; i < clear; i += 1) {
    suffix[i] = i
    length[i] = 1
  }
  const out = new Uint8Array(count)
  const next = codes(bytes, at + 1)
  let size = minimum + 1
  let free = clear + 2
  let last = -1
  for (let done = 0; done < count;) {
    const code = next(size)
    if (code === clear) {
      size = minimum + 1
      free = clear + 2
      last = -1
      continue
    }
    if (code === clear + 1) throw new ImageError('its data ends before the picture does')
    if (code > free || (code === free && last < 0)) throw new ImageError('its data is damaged')
    const known = code < free && (code < clear || code > clear + 1)
    const total = known ? length[code]! : length[last]! + 1
    let end = done + total
    // The string is spelled from its end; a code just being defined repeats its own first byte.
    for (let c = known ? code : last, o = known ? end - 1 : end - 2; o >= done; o -= 1) {
      if (o < count) out[o] = suffix[c]!
      c = prefix[c]!
    }
    if (!known && end - 1 < count) out[end - 1] = out[done]!
    if (last >= 0 && free < 4096) {
      prefix[free] = last
      suffix[free] = out[done]!
      length[free] = length[last]! + 1
      free += 1
      if (free === 1 << size && size < 12) size += 1
    }
    last = code
    done = Math.min(end, count)
  }
  return out
}

/** Codes out of the chain of sub-blocks. */
function codes(bytes: Uint8Array, start: number): (size: number) => number {
  let at = start
  let left = 0
  let buffer = 0
  let bits = 0
  return (size) => {
    while (bits < size) {
      if (left === 0) {
        left = bytes[at] ?? 0
        at += 1
        if (left === 0 || at + left > bytes.length) throw new ImageError('it is truncated')
      }
      buffer |= bytes[at]! << bits
      at += 1
      left -= 1
      bits += 8
    }
    const code = buffer & ((1 << size) - 1)
    buffer >>>= size
    bits -= size
    return code
  }
}

/** Interlaced rows come in four passes: every eighth from 0, from 4, every fourth from 2, every second from 1. */
function interlacedRows(height: number): number[] {
  const rows: number[] = []
  for (const [start, step] of [
    [0, 8],
    [4, 8],
    [2, 4],
    [1, 2],
  ] as const) {
    for (let y = start; y < height; y += step) rows.push(y)
  }
  return rows
}

function paint(
  bytes: Uint8Array,
  width: number,
  height: number,
  indices: Uint8Array,
  frame: Frame,
): RawPicture {
  const channels = frame.transparent === undefined ? 3 : 4
  const colours = new Uint8Array(256 * channels)
  for (let i = 0; i < 256; i += 1) {
    const { palette } = frame
    for (let c = 0; c < 3; c += 1) {
      const value = palette ? (i < palette.colours ? bytes[palette.at + i * 3 + c] : 0) : i
      colours[i * channels + c] = value ?? 0
    }
    if (channels === 4) colours[i * 4 + 3] = i === frame.transparent ? 0 : 255
  }
  const data = new Uint8Array(width * height * channels)
  for (let i = 0, o = 0; i < indices.length; i += 1, o += channels) {
    const from = indices[i]! * channels
    for (let c = 0; c < channels; c += 1) data[o + c] = colours[from + c]!
  }
  return { width, height, model: channels === 4 ? 'rgba' : 'rgb', data }
}

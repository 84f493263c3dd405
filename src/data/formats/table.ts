import { BMP } from './bmp.ts'
import { GIF } from './gif.ts'
import { JPEG } from './jpeg.ts'
import { PNG } from './png.ts'
import { TIFF } from './tiff.ts'
import { WEBP } from './webp.ts'
import type { FormatReader, PictureCheck } from './format.ts'

/** The allow-list: what is not here is refused, whatever its extension says. */
export const FORMATS: readonly FormatReader[] = [JPEG, PNG, WEBP, GIF, BMP, TIFF]

export const EXTENSIONS: ReadonlySet<string> = new Set(FORMATS.flatMap((f) => f.extensions))

/** Raised by hand when a check changes, so that remembered results are not used again. */
export const CHECK_VERSION = 1

/** Looks through the whole file without decoding it. A picture of several frames counts as its first. */
export function checkPicture(bytes: Buffer): PictureCheck {
  const reader = FORMATS.find((format) => format.sniff(bytes))
  return reader === undefined ? { problem: describe(bytes) } : reader.check(bytes)
}

/** Whether a file of this name is taken for a picture. Case does not matter. */
export function hasPictureExtension(name: string): boolean {
  const dot = name.lastIndexOf('.')
  return dot >= 0 && EXTENSIONS.has(name.slice(dot).toLowerCase())
}

function describe(bytes: Buffer): string {
  if (bytes.length === 0) return 'an empty file'
  const text = bytes.toString('latin1', 0, 512).trimStart().toLowerCase()
  if (text.startsWith('<!doctype html') || text.startsWith('<html')) {
    return 'a web page (HTML), not a picture'
  }
  if (text.startsWith('<svg') || (text.startsWith('<?xml') && text.includes('<svg'))) {
    return 'an SVG drawing, which is not supported'
  }
  if (text.startsWith('%pdf')) return 'a PDF, not a picture'
  if (/^p[1-7]\s/.test(text)) return 'a PNM picture (PPM, PGM, PBM), which is not supported'
  if (text.slice(4, 8) === 'ftyp') return 'a HEIC, AVIF or video file, which is not supported'
  return `not a picture of a known format (it begins with ${bytes.toString('hex', 0, 4)})`
}

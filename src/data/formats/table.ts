import { sniffFormat } from '../sniff.ts'
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
  const sniffed = sniffFormat(bytes)
  if (typeof sniffed === 'object') return { problem: sniffed.not }
  return FORMATS.find(({ format }) => format === sniffed)!.check(bytes)
}

/** Whether a file of this name is taken for a picture. Case does not matter. */
export function hasPictureExtension(name: string): boolean {
  const dot = name.lastIndexOf('.')
  return dot >= 0 && EXTENSIONS.has(name.slice(dot).toLowerCase())
}

/** Picture formats that are read; everything else is refused by name, whatever the file is called. */
export type ImageFormat = 'jpeg' | 'png' | 'webp' | 'gif' | 'tiff' | 'bmp'

/**
 * The format by the first bytes, or a phrase for people that says what the bytes are instead
 * ("an HTML page"). 32 bytes are enough for the formats; a few hundred make better phrases.
 */
export function sniffFormat(head: Uint8Array): ImageFormat | { readonly not: string } {
  const text = Buffer.from(head.buffer, head.byteOffset, Math.min(head.length, 512))
  const latin = text.toString('latin1')
  const starts = (magic: string, at = 0): boolean => latin.startsWith(magic, at)
  if (head.length === 0) return { not: 'an empty file' }
  if (starts('\xff\xd8\xff')) return 'jpeg'
  if (starts('\x89PNG\r\n\x1a\n')) return 'png'
  if (starts('RIFF') && starts('WEBP', 8)) return 'webp'
  if (starts('GIF87a') || starts('GIF89a')) return 'gif'
  if (starts('II*\0') || starts('MM\0*') || starts('II+\0') || starts('MM\0+')) return 'tiff'
  if (starts('BM')) return 'bmp'
  return { not: guess(latin, starts) }
}

function guess(latin: string, starts: (magic: string, at?: number) => boolean): string {
  if (starts('ftyp', 4)) return brand(latin.slice(8, 12))
  if (starts('%PDF')) return 'a PDF document'
  if (starts('PK\x03\x04')) return 'a zip archive'
  if (starts('\x1f\x8b')) return 'gzip data'
  if (starts('8BPS')) return 'a Photoshop file'
  if (/^P[1-7]\s/.test(latin)) return 'a PNM picture (PPM, PGM, PBM), which is not read'
  const markup = latin
    .replace(/^\xef\xbb\xbf/, '')
    .trimStart()
    .slice(0, 300)
    .toLowerCase()
  if (markup.startsWith('<!doctype html') || markup.startsWith('<html')) return 'an HTML page'
  if (markup.includes('<svg')) return 'an SVG drawing, which is not read'
  if (markup.startsWith('<')) return 'XML or HTML text'
  if (starts('version https://git-lfs')) return 'a Git LFS pointer, not the file itself'
  if (!/[^\t\r\n\x20-\x7e]/.test(latin)) return 'plain text'
  return 'not a picture of a known format'
}

function brand(name: string): string {
  if (name === 'avif' || name === 'avis') return 'an AVIF picture, which is not read'
  if (/^(hei|hev|mif)/.test(name)) return 'a HEIC picture, which is not read'
  return 'a video'
}

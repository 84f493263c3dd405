import type { Sharp } from 'sharp'
import { decodeImage } from '../data/decode.ts'

/** A small picture that stands in the page itself. */
export interface Thumbnail {
  /** `data:image/jpeg;base64,…` */
  readonly uri: string
  /** Pixels. */
  readonly width: number
  readonly height: number
}

/** The longer side, for cards of half as many CSS pixels on sharp screens. */
const SIDE = 224
const QUALITY = 72
const PIXELS = 100e6

/** As a person would see it: upright, on white where it is transparent, never made larger. Throws where it is no picture. */
export async function thumbnail(bytes: Uint8Array): Promise<Thumbnail> {
  const { default: sharp } = await import('sharp')
  try {
    return await small(sharp(bytes, { limitInputPixels: PIXELS }).rotate())
  } catch {
    // What libvips does not read, such as BMP.
    const { data, width, height, channels } = await decodeImage(bytes)
    return thumbnailOfPixels(data, { width, height, channels })
  }
}

/** Of uint8 [height, width, channels]. */
export async function thumbnailOfPixels(
  pixels: Uint8Array,
  shape: { readonly width: number; readonly height: number; readonly channels: number },
): Promise<Thumbnail> {
  const { default: sharp } = await import('sharp')
  return small(sharp(pixels, { raw: { ...shape, channels: shape.channels as 1 | 3 } }))
}

function small(picture: Sharp): Promise<Thumbnail> {
  const inside = { width: SIDE, height: SIDE, fit: 'inside', withoutEnlargement: true } as const
  return written(picture.resize(inside))
}

/** The widest that a sheet is shown. */
const WIDTH = 1400

/** A larger picture of a run folder, such as a contact sheet; undefined where it cannot be read. */
export async function sheetOf(bytes: Uint8Array): Promise<Thumbnail | undefined> {
  const { default: sharp } = await import('sharp')
  try {
    const picture = sharp(bytes, { limitInputPixels: PIXELS })
    return await written(picture.resize({ width: WIDTH, withoutEnlargement: true }))
  } catch {
    return undefined
  }
}

async function written(picture: Sharp): Promise<Thumbnail> {
  const { data, info } = await picture
    .flatten({ background: '#ffffff' })
    .jpeg({ quality: QUALITY })
    .toBuffer({ resolveWithObject: true })
  const { width, height } = info
  return { uri: `data:image/jpeg;base64,${data.toString('base64')}`, width, height }
}

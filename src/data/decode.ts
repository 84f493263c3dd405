import { readFile } from 'node:fs/promises'
import type { Sharp } from 'sharp'
import { failure, PipelineError } from '../util/diagnostic.ts'
import { isErrno } from '../util/files.ts'
import { decodeBmp, ImageError, tooLarge } from './bmp.ts'
import { rgbToGrey, toRgb, type RawPicture } from './colour.ts'
import { decodeGif } from './gif.ts'
import { sniffFormat, type ImageFormat } from './sniff.ts'

export interface DecodeOptions {
  readonly colorMode: 'rgb' | 'grayscale'
  /** `white`: laid on white; `drop`: alpha discarded, the colours below it stay, as in Keras. */
  readonly transparency: 'white' | 'drop'
  /** Turn the picture as the camera says. A TIFF is always turned, as in Pillow. */
  readonly exif: boolean
  /** The most pixels a picture may have; checked before any is decoded. */
  readonly pixelLimit: number
}

export interface Picture {
  readonly width: number
  readonly height: number
  readonly channels: 3 | 1
  /** `[height, width, channels]`, 0..255. */
  readonly data: Uint8Array
  readonly format: ImageFormat
}

export const DEFAULT_DECODE: DecodeOptions = {
  colorMode: 'rgb',
  transparency: 'white',
  exif: false,
  pixelLimit: 100_000_000,
}

/**
 * Decodes a file (by path) or its bytes to what Pillow's `convert('RGB')` or `convert('L')` gives, byte for
 * byte: embedded colour profiles and gamma are ignored, 16 bits keep their high byte. The first frame of an
 * animation counts. Throws BAD_IMAGE, naming the file (or `name`) and what is wrong with it.
 */
export async function decodeImage(
  source: string | Uint8Array,
  options: DecodeOptions = DEFAULT_DECODE,
  name: string = typeof source === 'string' ? source : 'the picture',
): Promise<Picture> {
  const bytes = typeof source === 'string' ? await readPicture(source, name) : source
  const format = imageFormat(bytes, name)
  try {
    const raw = await READERS[format](bytes, options)
    return { ...inMode(raw, options), format }
  } catch (error) {
    throw badImage(name, error)
  }
}

/** The format of the bytes. Throws BAD_IMAGE for anything that is not a picture of a format that is read. */
export function imageFormat(bytes: Uint8Array, name: string): ImageFormat {
  const format = sniffFormat(bytes)
  if (typeof format === 'string') return format
  throw failure('BAD_IMAGE', `${name} is not a picture: it is ${format.not}`, { hint: HINT })
}

/** The whole file; a missing or unreadable one is a BAD_IMAGE too. */
export async function readPicture(path: string, name: string): Promise<Uint8Array> {
  try {
    return await readFile(path)
  } catch (error) {
    throw unreadable(name, error)
  }
}

const HINT =
  'replace the file or take it out of the folder, or let a few pass with `dataset.badImages: {skip: 10}`'

export function unreadable(name: string, error: unknown): unknown {
  if (!isErrno(error, 'ENOENT', 'EACCES', 'EPERM', 'EISDIR', 'EIO', 'ELOOP')) return error
  const what = isErrno(error, 'ENOENT') ? 'is missing' : 'cannot be read'
  return failure('BAD_IMAGE', `${name} ${what}: ${(error as Error).message}`, {
    hint: HINT,
    cause: error,
  })
}

/** BAD_IMAGE for whatever a decoder threw. */
export function badImage(name: string, error: unknown): PipelineError {
  if (error instanceof PipelineError) return error
  const text = error instanceof Error ? error.message : String(error)
  const what = error instanceof ImageError ? text : `it cannot be decoded (${oneLine(text)})`
  return failure('BAD_IMAGE', `${name} is a bad picture: ${what}`, { hint: HINT, cause: error })
}

/** libvips often says the same twice. */
function oneLine(text: string): string {
  const lines = text.split('\n').map((line) => line.trim())
  return [...new Set(lines)].filter((line) => line !== '').join('; ')
}

function inMode(raw: RawPicture, options: DecodeOptions): Omit<Picture, 'format'> {
  const { width, height } = raw
  const grey = options.colorMode === 'grayscale'
  if (grey && raw.model === 'grey') return { width, height, channels: 1, data: raw.data }
  const rgb = toRgb(raw, options.transparency)
  return grey
    ? { width, height, channels: 1, data: rgbToGrey(rgb) }
    : { width, height, channels: 3, data: rgb }
}

type Reader = (bytes: Uint8Array, options: DecodeOptions) => RawPicture | Promise<RawPicture>

const READERS: Record<ImageFormat, Reader> = {
  jpeg: (bytes, options) =>
    readBySharp(bytes, options, { turn: options.exif, cmyk: jpegComponents(bytes) === 4 }),
  png: (bytes, options) => readBySharp(bytes, options, { turn: options.exif, cmyk: false }),
  webp: (bytes, options) => readBySharp(bytes, options, { turn: options.exif, cmyk: false }),
  tiff: readTiff,
  gif: (bytes, options) => decodeGif(bytes, options.pixelLimit),
  bmp: (bytes, options) => decodeBmp(bytes, options.pixelLimit),
}

async function readTiff(bytes: Uint8Array, options: DecodeOptions): Promise<RawPicture> {
  const { space, depth } = await (
    await openSharp(bytes, options, 'error')
  )
    .metadata()
    .catch((error: unknown) => explain(bytes, options, error))
  const readable = ['srgb', 'rgb', 'b-w', 'cmyk', 'rgb16', 'grey16'].includes(space)
  if (!readable || (depth !== 'uchar' && depth !== 'ushort')) {
    throw new ImageError(`it is a TIFF of ${depth} samples in ${space}, which is not read`)
  }
  // libtiff reports a strip that ends early as an error, not as truncation.
  return readBySharp(bytes, options, { turn: true, cmyk: space === 'cmyk', failOn: 'error' })
}

async function openSharp(
  bytes: Uint8Array,
  options: DecodeOptions,
  failOn: 'truncated' | 'error' = 'truncated',
): Promise<Sharp> {
  const sharp = await loadSharp()
  return sharp(bytes, {
    ignoreIcc: true,
    failOn,
    limitInputPixels: options.pixelLimit,
    sequentialRead: true,
  })
}

async function readBySharp(
  bytes: Uint8Array,
  options: DecodeOptions,
  how: { readonly turn: boolean; readonly cmyk: boolean; readonly failOn?: 'error' },
): Promise<RawPicture> {
  let image = await openSharp(bytes, options, how.failOn)
  if (how.turn) image = image.autoOrient()
  // Inks stay inks here: libvips would go to RGB through a colour profile, Pillow does not.
  image = how.cmyk
    ? image.pipelineColourspace('cmyk').toColourspace('cmyk')
    : image.toColourspace('srgb')
  const { data, info } = await image
    .raw({ depth: 'uchar' })
    .toBuffer({ resolveWithObject: true })
    .catch((error: unknown) => explain(bytes, options, error))
  const model = how.cmyk ? 'cmyk' : MODEL_OF[info.channels]
  if (!model || data.length !== info.width * info.height * info.channels) {
    throw new Error(`decoded to ${data.length} bytes of ${info.channels} channels`)
  }
  return { width: info.width, height: info.height, model, data }
}

const MODEL_OF: Partial<Record<number, RawPicture['model']>> = { 1: 'grey', 3: 'rgb', 4: 'rgba' }

/** sharp names neither the sizes nor, where it cannot even begin, the trouble: the bytes were sniffed before. */
async function explain(bytes: Uint8Array, options: DecodeOptions, error: unknown): Promise<never> {
  const text = error instanceof Error ? error.message : ''
  if (/unsupported image format/.test(text)) {
    throw new ImageError('it is damaged or truncated', { cause: error })
  }
  if (!/pixel limit/.test(text)) throw error
  const unlimited = await openSharp(bytes, { ...options, pixelLimit: Number.MAX_SAFE_INTEGER })
  const { width, height } = await unlimited.metadata()
  throw tooLarge(width, height, options.pixelLimit)
}

/** The number of colour components by the frame header, 0 where there is none. */
function jpegComponents(bytes: Uint8Array): number {
  for (let at = 2; at + 9 < bytes.length && bytes[at] === 0xff;) {
    const marker = bytes[at + 1]!
    // 0xff may be repeated as filling; the frame headers are C0 to CF but for C4, C8 and CC.
    if (marker === 0xff) at += 1
    else if (marker >= 0xc0 && marker <= 0xcf && ![0xc4, 0xc8, 0xcc].includes(marker)) {
      return bytes[at + 9]!
    } else at += 2 + ((bytes[at + 2]! << 8) | bytes[at + 3]!)
  }
  return 0
}

type SharpModule = typeof import('sharp').default
let loaded: Promise<SharpModule> | undefined

/** sharp with its own threads and cache off: the cores belong to our workers. */
export function loadSharp(): Promise<SharpModule> {
  loaded ??= import('sharp').then(({ default: sharp }) => {
    sharp.concurrency(1)
    sharp.cache(false)
    return sharp
  })
  return loaded
}

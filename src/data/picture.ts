import { createHash } from 'node:crypto'
import { failure } from '../util/diagnostic.ts'
import { DEFAULT_DECODE, decodeImage, imageFormat, type DecodeOptions } from './decode.ts'
import { fitPicture, type Fit } from './fit.ts'
import { openLibvips, type JpegRows, type Libvips } from './libvips.ts'
import { createResampler, type Resampler, type Resize } from './resample.ts'
import { rowsOf } from './row-source.ts'

/** The keys of `dataset` that decide what becomes of a picture. */
export interface PixelParams {
  /** Height, width. */
  readonly imageSize: readonly [number, number]
  readonly resize: Resize
  readonly fit: Fit
  readonly colorMode: DecodeOptions['colorMode']
  readonly transparency: DecodeOptions['transparency']
  readonly exif: boolean
}

export interface PictureMaker {
  /**
   * Decodes, fits and resizes a picture into `into`, `[height, width, channels]`. `name` is for errors.
   * Throws BAD_IMAGE.
   */
  make(bytes: Uint8Array, name: string, into: Uint8Array): Promise<void>
}

/** 3 or 1. */
export function channelsOf(params: Pick<PixelParams, 'colorMode'>): 3 | 1 {
  return params.colorMode === 'grayscale' ? 1 : 3
}

/** @param direct false keeps libvips behind sharp; the bytes are the same */
export async function createPictureMaker(
  params: PixelParams,
  direct = true,
  pixelLimit = DEFAULT_DECODE.pixelLimit,
): Promise<PictureMaker> {
  const { colorMode, transparency, exif } = params
  const options: DecodeOptions = { colorMode, transparency, exif, pixelLimit }
  const [height, width] = params.imageSize
  const target = { width, height, resize: params.resize, fit: params.fit }
  const resampler = createResampler()
  const plainRgb = colorMode === 'rgb' && !exif
  const libvips = direct && plainRgb ? await openLibvips() : undefined
  return {
    async make(bytes, name, into) {
      const straight = imageFormat(bytes, name) === 'jpeg' && libvips !== undefined
      if (straight && jpegInto(libvips, resampler, bytes, { ...target, pixelLimit }, into)) return
      const picture = await decodeImage(bytes, options, name)
      fitPicture(resampler, rowsOf(picture), target, into)
    },
  }
}

/** False where sharp must do it, also for every error: sharp then says what is wrong, in one wording. */
function jpegInto(
  libvips: Libvips,
  resampler: Resampler,
  bytes: Uint8Array,
  target: Parameters<typeof fitPicture>[2] & { readonly pixelLimit: number },
  into: Uint8Array,
): boolean {
  let rows: JpegRows | undefined
  try {
    rows = libvips.openJpeg(bytes, target.pixelLimit)
    if (rows === undefined) return false
    fitPicture(resampler, rows, target, into)
    rows.finish()
    return true
  } catch {
    return false
  } finally {
    rows?.close()
  }
}

/** The index was made from other bytes than these: DIGEST_MISMATCH. */
export function checkDigest(bytes: Uint8Array, sha256: string, name: string): void {
  if (createHash('sha256').update(bytes).digest('hex') === sha256) return
  throw failure('DIGEST_MISMATCH', `${name} changed after it was indexed`, {
    hint: 'run the pipeline again: it looks at the pictures anew',
  })
}

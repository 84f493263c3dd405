/** Pixels as a file holds them, before they become RGB or grey. */
export interface RawPicture {
  readonly width: number
  readonly height: number
  /** `grey` 1 channel, `rgb` 3 channels, `rgba` and `cmyk` 4 (alpha not multiplied in; ink 255 = full). */
  readonly model: 'grey' | 'rgb' | 'rgba' | 'cmyk'
  /** `[height, width, channels]`, 8 bits. */
  readonly data: Uint8Array
}

/** x * y / 255, rounded: Pillow's MULDIV255 (ImagingUtils.h). */
function mulDiv255(x: number, y: number): number {
  const product = x * y + 128
  return ((product >> 8) + product) >> 8
}

/**
 * RGB bytes of any raw picture. CMYK by Pillow's `cmyk2rgb` (Convert.c); alpha is discarded (`drop`) or laid
 * on white as `Image.paste(image, mask=alpha)` on a white picture does.
 */
export function toRgb(picture: RawPicture, transparency: 'white' | 'drop'): Uint8Array {
  if (picture.model === 'rgb') return picture.data
  const count = picture.width * picture.height
  const out = new Uint8Array(count * 3)
  const write = PIXEL[picture.model === 'rgba' ? transparency : picture.model]
  write(picture.data, out, count)
  return out
}

type Convert = (source: Uint8Array, out: Uint8Array, count: number) => void

const PIXEL: Record<'grey' | 'cmyk' | 'white' | 'drop', Convert> = {
  grey(source, out, count) {
    for (let i = 0, o = 0; i < count; i += 1, o += 3) {
      out[o] = out[o + 1] = out[o + 2] = source[i]!
    }
  },
  cmyk(source, out, count) {
    for (let i = 0, s = 0, o = 0; i < count; i += 1, s += 4, o += 3) {
      const light = 255 - source[s + 3]!
      for (let c = 0; c < 3; c += 1) out[o + c] = light - mulDiv255(source[s + c]!, light)
    }
  },
  white(source, out, count) {
    for (let i = 0, s = 0, o = 0; i < count; i += 1, s += 4, o += 3) {
      const alpha = source[s + 3]!
      for (let c = 0; c < 3; c += 1) {
        const sum = source[s + c]! * alpha + 255 * (255 - alpha) + 128
        out[o + c] = ((sum >> 8) + sum) >> 8
      }
    }
  },
  drop(source, out, count) {
    for (let i = 0, s = 0, o = 0; i < count; i += 1, s += 4, o += 3) {
      out[o] = source[s]!
      out[o + 1] = source[s + 1]!
      out[o + 2] = source[s + 2]!
    }
  },
}

/** ITU-R 601-2 luma in Pillow's fixed point (L24 in Convert.c); for grey input the value itself. */
export function rgbToGrey(rgb: Uint8Array): Uint8Array {
  const out = new Uint8Array(rgb.length / 3)
  for (let i = 0, s = 0; i < out.length; i += 1, s += 3) {
    out[i] = (rgb[s]! * 19595 + rgb[s + 1]! * 38470 + rgb[s + 2]! * 7471 + 0x8000) >> 16
  }
  return out
}

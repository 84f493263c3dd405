import type { Resampler, Resize } from './resample.ts'
import type { RowSource } from './row-source.ts'

/** How a picture of another shape becomes one of the wanted shape. */
export type Fit = 'stretch' | 'crop' | 'pad'

export interface Box {
  readonly left: number
  readonly top: number
  readonly width: number
  readonly height: number
}

/**
 * The middle of a picture in the shape of the target: Keras' `smart_resize`, which is what `crop_to_aspect_ratio`
 * and `keep_aspect_ratio` mean there (whole pixels, rounded down).
 */
export function cropBox(
  from: { readonly width: number; readonly height: number },
  to: { readonly width: number; readonly height: number },
): Box {
  // At least one pixel: Keras fails on a strip so narrow that none is left.
  const width = Math.max(1, Math.min(from.width, Math.trunc((from.height * to.width) / to.height)))
  const height = Math.max(1, Math.min(from.height, Math.trunc((from.width * to.height) / to.width)))
  return {
    left: Math.trunc((from.width - width) / 2),
    top: Math.trunc((from.height - height) / 2),
    width,
    height,
  }
}

/**
 * Where in the target the whole picture goes, its shape kept and centred: Pillow's `ImageOps.pad`, but a very narrow
 * picture keeps one pixel (Pillow 13 leaves nothing of it).
 */
export function padBox(
  from: { readonly width: number; readonly height: number },
  to: { readonly width: number; readonly height: number },
): Box {
  const ratio = from.width / from.height
  let { width, height } = to
  if (ratio > to.width / to.height) {
    height = Math.max(1, roundHalfEven((from.height / from.width) * to.width))
  } else if (ratio < to.width / to.height) {
    width = Math.max(1, roundHalfEven((from.width / from.height) * to.height))
  }
  return {
    left: roundHalfEven((to.width - width) * 0.5),
    top: roundHalfEven((to.height - height) * 0.5),
    width,
    height,
  }
}

/** Python's `round`. */
function roundHalfEven(value: number): number {
  const floor = Math.floor(value)
  const part = value - floor
  return part > 0.5 || (part === 0.5 && floor % 2 !== 0) ? floor + 1 : floor
}

/** Resizes and fits `source` into `into`, `[height, width, channels]`; the borders of `pad` are black. */
export function fitPicture(
  resampler: Resampler,
  source: RowSource,
  target: { readonly width: number; readonly height: number; readonly resize: Resize; fit: Fit },
  into: Uint8Array,
): void {
  const { width, height, resize, fit } = target
  if (fit === 'pad') return pad(resampler, source, target, into)
  const given = fit === 'crop' ? cropped(source, cropBox(source, target)) : source
  resampler.resample(given, width, height, resize, into)
}

function pad(
  resampler: Resampler,
  source: RowSource,
  target: { readonly width: number; readonly height: number; readonly resize: Resize },
  into: Uint8Array,
): void {
  const box = padBox(source, target)
  const { channels } = source
  const inner = new Uint8Array(box.width * box.height * channels)
  resampler.resample(source, box.width, box.height, target.resize, inner)
  into.fill(0)
  const rowBytes = box.width * channels
  for (let y = 0; y < box.height; y += 1) {
    const at = ((box.top + y) * target.width + box.left) * channels
    into.set(inner.subarray(y * rowBytes, (y + 1) * rowBytes), at)
  }
}

/** A part of a source; the rows outside are never asked for. */
export function cropped(source: RowSource, box: Box): RowSource {
  const { channels, width } = source
  if (box.width === width) {
    return {
      ...box,
      channels,
      read: (first, count, into) => source.read(box.top + first, count, into),
    }
  }
  const whole = width * channels
  const part = box.width * channels
  let rows = new Uint8Array(0)
  return {
    ...box,
    channels,
    read(first, count, into) {
      if (rows.length < count * whole) rows = new Uint8Array(count * whole)
      source.read(box.top + first, count, rows.subarray(0, count * whole))
      for (let y = 0; y < count; y += 1) {
        const start = y * whole + box.left * channels
        into.set(rows.subarray(start, start + part), y * part)
      }
    },
  }
}

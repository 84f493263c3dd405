import type { Builder } from '../program/builder.ts'
import type { Tensor } from '../program/program.ts'
import { channelAffine, type Affine } from './affine.ts'

/**
 * What is done to pixels (0..255, RGB) before a network sees them. `tf`, `torch` and `caffe` are Keras' modes
 * (keras/src/applications/imagenet_utils.py); `mean` and `std` are in units of 0..255, one number for each channel or
 * one for all.
 */
export type Preprocessing =
  | { readonly rescale: number }
  | { readonly mode: 'tf' | 'torch' | 'caffe' | 'none' }
  | { readonly mean: readonly number[]; readonly std: readonly number[] }

/** `pixel * scale + offset` by channel, after the channels are turned round where `reversed`. */
interface PixelAffine extends Affine {
  readonly reversed: boolean
}

const TORCH = { mean: [0.485, 0.456, 0.406], std: [0.229, 0.224, 0.225] } as const
const CAFFE_BGR_MEAN = [103.939, 116.779, 123.68] as const

/** The pixels [batch, height, width, 3], uint8 or float32 0..255, as float32 for the network. */
export function preprocess(b: Builder, x: Tensor, preprocessing: Preprocessing): Tensor {
  const { reversed, scale, offset } = affineOf(preprocessing)
  const pixels = b.cast(x, 'float32')
  const ordered = reversed ? turnedRound(b, pixels) : pixels
  return channelAffine(b, ordered, { scale, offset })
}

/** Whether two of them, however written, do the same to a pixel (to a thousandth of a grey level). */
export function samePreprocessing(a: Preprocessing, b: Preprocessing): boolean {
  const [x, y] = [affineOf(a), affineOf(b)]
  const close = (p: number, q: number, unit: number) => Math.abs(p - q) <= 1e-3 * Math.abs(unit)
  return (
    x.reversed === y.reversed &&
    x.scale.every((s, c) => close(s * 255, y.scale[c]! * 255, s)) &&
    x.offset.every((o, c) => close(o, y.offset[c]!, x.scale[c]!))
  )
}

/** What it does to a pixel, as numbers by channel, red first. */
export function pixelAffine(preprocessing: Preprocessing): ReturnType<typeof affineOf> {
  return affineOf(preprocessing)
}

/** In a few words, for listings: `x / 127.5 - 1`. */
export function describePreprocessing(preprocessing: Preprocessing): string {
  if ('rescale' in preprocessing) return `x * ${shorten(preprocessing.rescale)}`
  if ('mode' in preprocessing) return MODE_WORDS[preprocessing.mode]
  const same = (values: readonly number[]) =>
    values.every((v) => v === values[0])
      ? shorten(values[0]!)
      : `[${values.map(shorten).join(', ')}]`
  return `(x - ${same(preprocessing.mean)}) / ${same(preprocessing.std)}`
}

const MODE_WORDS = {
  tf: 'x / 127.5 - 1',
  torch: '(x / 255 - mean) / std of ImageNet',
  caffe: 'BGR, x - mean of ImageNet',
  none: 'none',
} as const

function affineOf(preprocessing: Preprocessing): PixelAffine {
  const plain = (scale: number, offset: number): PixelAffine => ({
    reversed: false,
    scale: [scale, scale, scale],
    offset: [offset, offset, offset],
  })
  if ('rescale' in preprocessing) return plain(preprocessing.rescale, 0)
  if ('mean' in preprocessing) return standardized(preprocessing.mean, preprocessing.std)
  switch (preprocessing.mode) {
    case 'none':
      return plain(1, 0)
    case 'tf':
      return plain(1 / 127.5, -1)
    case 'torch':
      return standardized(
        TORCH.mean.map((m) => m * 255),
        TORCH.std.map((s) => s * 255),
      )
    case 'caffe':
      return { reversed: true, scale: [1, 1, 1], offset: CAFFE_BGR_MEAN.map((m) => -m) }
  }
}

/** One number stands for all three channels. */
function standardized(mean: readonly number[], std: readonly number[]): PixelAffine {
  const of = (values: readonly number[], channel: number) => values[channel] ?? values[0]!
  const channels = [0, 1, 2]
  return {
    reversed: false,
    scale: channels.map((c) => 1 / of(std, c)),
    offset: channels.map((c) => -of(mean, c) / of(std, c)),
  }
}

function turnedRound(b: Builder, x: Tensor): Tensor {
  const [n, h, w, channels] = x.shape as [number, number, number, number]
  const one = (channel: number) => b.slice(x, [0, 0, 0, channel], [n, h, w, 1])
  return b.concat(
    Array.from({ length: channels }, (_, i) => one(channels - 1 - i)),
    3,
  )
}

function shorten(value: number): string {
  const over = 1 / value
  const whole = Math.abs(over - Math.round(over)) < 1e-6 && Math.abs(over) > 1
  return whole ? `1/${Math.round(over)}` : String(Number(value.toPrecision(6)))
}

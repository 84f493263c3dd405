import { createMemory, instantiate, type Kernel } from '../wasm-emit.ts'
import { affineOf } from './affine.ts'
import type { FillMode, Transform } from './augmentation.ts'
import {
  brightenKernel,
  extremesKernel,
  shiftKernel,
  spreadKernel,
  type ShadeKernels,
  type SpreadKernel,
} from './shade-kernels.ts'
import { brightenPlain, brightenStretched, extremes, shiftPlain } from './shade-plain.ts'
import { WARP_TABLE, warpKernel, warpName, writeWarp, type WarpKernel } from './warp-kernels.ts'
import { warpPlain, type Shape, type Warp } from './warp-plain.ts'

/** What stands beyond the border, as in `Augmentation`. */
export interface Fill {
  readonly fillMode: FillMode
  readonly cval: number
}

/**
 * Applies one draw to one picture `[height, width, channels]` of bytes, into as many float32 in 0..255 (a `cval` may lie
 * outside). In Keras' order (`ImageDataGenerator.apply_transform`): affine, channel shift, flips, brightness. A
 * transform that moves nothing interpolates nothing.
 */
export type Augment = (
  pixels: Uint8Array,
  shape: Shape,
  transform: Transform,
  fill: Fill,
  out: Float32Array,
) => void

/** The plain loops: what the kernels are held to, bit for bit. */
export const augmentPlain: Augment = (pixels, shape, transform, fill, out) => {
  check(pixels, shape, out)
  warpPlain(pixels, shape, warpOf(transform, shape, fill), out)
  if (transform.channelShift !== 0) shiftPlain(out, transform.channelShift)
  const { brightness } = transform
  if (brightness === undefined) return
  const brighten = (values: Float32Array): void => brightenPlain(values, brightness)
  if (staysInRange(fill)) brighten(out)
  else brightenStretched(out, brighten)
}

const FILL_MODES: readonly FillMode[] = ['nearest', 'constant', 'reflect', 'wrap']
const KERNELS: readonly Kernel[] = [
  ...FILL_MODES.flatMap((fill) => [warpKernel(fill, 1), warpKernel(fill, 3)]),
  spreadKernel(1),
  spreadKernel(3),
  extremesKernel,
  shiftKernel,
  brightenKernel,
]
/** Kernels read and write up to 16 bytes too many. */
const ALIGN = 16
const align = (bytes: number): number => Math.ceil(bytes / ALIGN) * ALIGN
const TABLE = ALIGN
const SOURCE = align(TABLE + WARP_TABLE) + ALIGN

/** One a thread: it keeps its working memory (five bytes for each value of a picture). */
export function createAugmenter(): Augment {
  const memory = createMemory(16)
  const exported = instantiate(KERNELS, memory)
  const shade = exported as ShadeKernels
  const spread = exported as Readonly<Record<string, SpreadKernel>>
  const warps = exported as Readonly<Record<string, WarpKernel>>

  /** Where the result of a picture lies; the memory is grown as needed. */
  const room = ([height, width, channels]: Shape): number => {
    const target = align(SOURCE + (height + 2) * (width + 2) * channels) + ALIGN
    const missing = target + 4 * height * width * channels + ALIGN - memory.buffer.byteLength
    if (missing > 0) memory.grow(Math.ceil(missing / 65536))
    return target
  }

  const interpolate = (pixels: Uint8Array, shape: Shape, warp: Warp, target: number): void => {
    const [height, width, channels] = shape
    const stride = (width + 2) * channels
    writeBordered(pixels, shape, new Uint8Array(memory.buffer), SOURCE)
    writeWarp(warp, warp.affine!, shape, memory.buffer, TABLE)
    const [first, rowBytes] = [SOURCE + stride + channels, 4 * width * channels]
    const run = warps[warpName(warp.fillMode, channels)]!
    run(TABLE, first, stride, target, rowBytes, target + height * rowBytes)
  }

  const flip = (pixels: Uint8Array, shape: Shape, warp: Warp, target: number): void => {
    const [height, width, channels] = shape
    new Uint8Array(memory.buffer).set(pixels, SOURCE)
    const [rowBytes, step] = [width * channels, warp.flipHorizontal ? -channels : channels]
    for (let row = 0; row < height; row += 1) {
      const from = SOURCE + (warp.flipVertical ? height - 1 - row : row) * rowBytes
      const first = warp.flipHorizontal ? from + rowBytes - channels : from
      const to = target + 4 * row * rowBytes
      spread[`spread${channels}`]!(first, step, to, to + 4 * rowBytes)
    }
  }

  /** Runs a kernel over all values, with numbers that it finds in the table. */
  const overAll = (
    kernel: (values: number, end: number, table: number) => void,
    values: Float32Array,
    ...numbers: readonly number[]
  ): void => {
    new Float32Array(memory.buffer, TABLE).set(numbers)
    kernel(values.byteOffset, values.byteOffset + values.byteLength, TABLE)
  }

  const shift = (values: Float32Array, by: number): void => {
    // What lies behind the last value must not be an extreme.
    new Float32Array(memory.buffer, values.byteOffset + values.byteLength, 3).fill(values[0]!)
    overAll(shade.extremes, values)
    const found = new Float32Array(memory.buffer, TABLE, 8)
    overAll(shade.shift, values, by, ...extremes(found))
  }

  return (pixels, shape, transform, fill, out) => {
    check(pixels, shape, out)
    const { channelShift, brightness } = transform
    const warp = warpOf(transform, shape, fill)
    const target = room(shape)
    const values = new Float32Array(memory.buffer, target, pixels.length)
    if (warp.affine) interpolate(pixels, shape, warp, target)
    else if (warp.flipHorizontal || warp.flipVertical) flip(pixels, shape, warp, target)
    else values.set(pixels)
    if (channelShift !== 0) shift(values, channelShift)
    if (brightness !== undefined) {
      const brighten = (): void => overAll(shade.brighten, values, brightness, 255)
      if (staysInRange(fill)) brighten()
      else brightenStretched(values, brighten)
    }
    out.set(values)
  }
}

function warpOf(transform: Transform, [height, width]: Shape, fill: Fill): Warp {
  const { flipHorizontal, flipVertical } = transform
  return { ...fill, flipHorizontal, flipVertical, affine: affineOf(transform, [height, width]) }
}

/** False where brightness must look for values outside of 0..255. */
function staysInRange({ fillMode, cval }: Fill): boolean {
  return fillMode !== 'constant' || (cval >= 0 && cval <= 255)
}

/** The picture with a border of one pixel, as the pixels beside it. */
function writeBordered(
  pixels: Uint8Array,
  [height, width, channels]: Shape,
  bytes: Uint8Array,
  address: number,
): void {
  const [rowBytes, stride] = [width * channels, (width + 2) * channels]
  for (let row = -1; row <= height; row += 1) {
    const from = Math.min(Math.max(row, 0), height - 1) * rowBytes
    const start = address + (row + 1) * stride
    bytes.set(pixels.subarray(from, from + rowBytes), start + channels)
    for (let i = start; i < start + channels; i += 1) {
      bytes[i] = bytes[i + channels]!
      bytes[i + stride - channels] = bytes[i + stride - 2 * channels]!
    }
  }
}

function check(pixels: Uint8Array, [height, width, channels]: Shape, out: Float32Array): void {
  const count = height * width * channels
  if ((channels !== 1 && channels !== 3) || pixels.length !== count || out.length !== count) {
    throw new RangeError(`${pixels.length} bytes and ${out.length} values, not ${height}x${width}`)
  }
}

import { permutation, stream, type Stream } from '../../util/rng.ts'

/** The values of the pipeline file's `augmentation`, with every default filled in. Names are ImageDataGenerator's. */
export interface Augmentation {
  /** Degrees, to either side. */
  readonly rotationRange: number
  /** Below 1 a fraction of the width; a whole number n one of -(n-1) .. n-1 pixels; another number up to so many pixels. */
  readonly widthShiftRange: number
  /** As `widthShiftRange`, of the height. */
  readonly heightShiftRange: number
  /** Degrees, to either side. */
  readonly shearRange: number
  /** Least and greatest; above 1 shows more of the picture, so that things get smaller. Drawn for each axis. */
  readonly zoomRange: readonly [low: number, high: number]
  readonly horizontalFlip: boolean
  readonly verticalFlip: boolean
  /** Least and greatest factor; without it brightness is left alone. */
  readonly brightnessRange?: readonly [low: number, high: number]
  /** What is added to all channels, at most, of 0..255. */
  readonly channelShiftRange: number
  /** What stands beyond the picture's border. */
  readonly fillMode: FillMode
  /** The value for `constant`, of 0..255. */
  readonly cval: number
}

/** scipy.ndimage's names: `reflect` is d c b a | a b c d | d c b a; `wrap` has a period of one pixel less than the size. */
export type FillMode = 'nearest' | 'constant' | 'reflect' | 'wrap'

/** Leaves every picture as it is: what a key means that the pipeline file does not name. */
export const NO_AUGMENTATION: Augmentation = {
  rotationRange: 0,
  widthShiftRange: 0,
  heightShiftRange: 0,
  shearRange: 0,
  zoomRange: [1, 1],
  horizontalFlip: false,
  verticalFlip: false,
  channelShiftRange: 0,
  fillMode: 'nearest',
  cval: 0,
}

/** One draw: what is done to one picture, once. The names are those of Keras' `apply_affine_transform`. */
export interface Transform {
  /** Degrees. */
  readonly theta: number
  /** Pixels along a row: the result's pixel x is taken from x + tx. */
  readonly tx: number
  /** Pixels down a column. */
  readonly ty: number
  /** Degrees. */
  readonly shear: number
  /** Factor along a row. */
  readonly zx: number
  /** Factor down a column. */
  readonly zy: number
  readonly flipHorizontal: boolean
  readonly flipVertical: boolean
  readonly channelShift: number
  readonly brightness?: number
}

/** Height and width in pixels. */
export type Size = readonly [height: number, width: number]

/** The draw for one picture in one epoch: a function of these values alone, so of no order, batch or number of workers. */
export function drawTransform(
  augmentation: Augmentation,
  size: Size,
  seed: number,
  epoch: number,
  picture: number,
): Transform {
  return draw(augmentation, size, stream(seed, 'augmentation', epoch, picture))
}

/** The draw for one of the variants of a picture that a bank keeps. */
export function drawVariant(
  augmentation: Augmentation,
  size: Size,
  seed: number,
  variant: number,
  picture: number,
): Transform {
  return draw(augmentation, size, stream(seed, 'bank', variant, picture))
}

/**
 * Which of `variants` variants of a picture an epoch takes: each `variants` epochs take every variant once, in an order
 * drawn anew, so that no variant was computed in vain.
 */
export function bankVariant(
  seed: number,
  epoch: number,
  picture: number,
  variants: number,
): number {
  const round = Math.floor(epoch / variants)
  return permutation(variants, seed, 'bank order', round, picture)[epoch % variants]!
}

/**
 * Every parameter takes its numbers from the stream whether it is set or not, and always as many: setting one key
 * changes no draw of another. (Keras draws only what is set.)
 */
function draw(augmentation: Augmentation, [height, width]: Size, random: Stream): Transform {
  const { rotationRange, shearRange, zoomRange, brightnessRange, channelShiftRange } = augmentation
  const between = (low: number, high: number): number => low + random.uniform() * (high - low)
  const upTo = (most: number): number => {
    const drawn = between(-most, most)
    return most === 0 ? 0 : drawn
  }
  const coin = (): boolean => random.uniform() < 0.5
  const theta = upTo(rotationRange)
  const tx = drawShift(augmentation.widthShiftRange, width, random)
  const ty = drawShift(augmentation.heightShiftRange, height, random)
  const shear = upTo(shearRange)
  const [zx, zy] = [between(...zoomRange), between(...zoomRange)]
  const [across, down] = [coin(), coin()]
  const channelShift = upTo(channelShiftRange)
  const brightness = between(...(brightnessRange ?? [1, 1]))
  return {
    theta,
    tx,
    ty,
    shear,
    zx,
    zy,
    flipHorizontal: across && augmentation.horizontalFlip,
    flipVertical: down && augmentation.verticalFlip,
    channelShift,
    ...(brightnessRange === undefined ? {} : { brightness }),
  }
}

/**
 * Keras tells 2 (an int: whole pixels below it, `np.random.choice(2)` with a sign) from 2.0; YAML has numbers, and here
 * a whole one is the int.
 */
function drawShift(range: number, size: number, random: Stream): number {
  const [amount, side] = [random.uniform(), random.uniform()]
  if (range >= 1 && Number.isInteger(range)) {
    const pixels = Math.floor(amount * range)
    return pixels === 0 || side >= 0.5 ? pixels : -pixels
  }
  const drawn = (2 * amount - 1) * range
  if (range === 0) return 0
  return range < 1 ? drawn * size : drawn
}

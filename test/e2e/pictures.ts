import { mkdir } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import sharp from 'sharp'

/** Classes that are told apart by their colour, and by the direction of their stripes. */
const CLASSES: Readonly<Record<string, readonly [number, number, number]>> = {
  blue: [40, 60, 210],
  green: [40, 190, 60],
  red: [200, 40, 40],
}

export interface PictureOptions {
  readonly classes?: readonly string[]
  /** Pictures a class. */
  readonly train?: number
  readonly test?: number
  /** Pixels a side. */
  readonly size?: number
  readonly format?: 'png' | 'jpeg'
}

/** Folders `train/CLASS` and `test/CLASS` of small pictures, no two of them alike. */
export async function writePictures(root: string, options: PictureOptions = {}): Promise<void> {
  const { classes = Object.keys(CLASSES), train = 12, test = 4, format = 'png' } = options
  const extension = format === 'png' ? 'png' : 'jpg'
  for (const [split, count] of Object.entries({ train, test })) {
    for (const name of classes) {
      for (let i = 0; i < count; i += 1) {
        const path = join(root, split, name, `${String(i).padStart(2, '0')}.${extension}`)
        await writePicture(path, name, i + (split === 'train' ? 0 : 1000), options)
      }
    }
  }
}

export async function writePicture(
  path: string,
  name: string,
  seed: number,
  { size = 40, format = 'png' }: PictureOptions = {},
): Promise<void> {
  const colour = CLASSES[name] ?? [128, 128, 128]
  const isUpright = name !== 'green'
  const pixels = Buffer.alloc(size * size * 3)
  for (let i = 0; i < pixels.length; i += 1) {
    const at = Math.floor(i / 3)
    const stripe = (isUpright ? at % size : Math.floor(at / size)) % 8 < 4 ? 30 : -30
    const noise = (Math.imul(i + seed * 7919 + 1, 0x9e3779b1) >>> 26) - 32
    pixels[i] = Math.max(0, Math.min(255, colour[i % 3]! + stripe + noise))
  }
  await mkdir(dirname(path), { recursive: true })
  await sharp(pixels, { raw: { width: size, height: size, channels: 3 } })
    .toFormat(format)
    .toFile(path)
}

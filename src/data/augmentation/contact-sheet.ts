import { writeFileAtomic } from '../../util/files.ts'
import { loadSharp } from '../decode.ts'

/** At most so many pairs. */
export const MOST_PAIRS = 16
const PAIRS_A_ROW = 8
/** Pixels between the two of a pair, and between pairs and around all. */
const NEAR = 2
const FAR = 14
/** Screens are wider than that; a wider sheet is made smaller. */
const MOST_WIDTH = 1280
const WHITE = 255
/** The line around each picture: many pictures are white themselves. */
const FRAME = 128

/**
 * A PNG that shows what augmentation does: each picture above, its draw below, on white, from left to right and then
 * down. `before` and `after` are `[count, height, width, channels]` (1 or 3 channels), `after` in 0..255; of more than 16
 * pictures the first 16 are shown. The same pictures give the same bytes.
 */
export async function writeContactSheet(
  path: string,
  before: Uint8Array,
  after: Float32Array,
  shape: readonly [count: number, height: number, width: number, channels: number],
): Promise<void> {
  const [all, height, width, channels] = shape
  const count = Math.min(all, MOST_PAIRS)
  const size = height * width * channels
  const across = Math.min(count, PAIRS_A_ROW)
  const [stepX, stepY] = [width + 2 + FAR, 2 * (height + 2) + NEAR + FAR]
  const sheetWidth = FAR + across * stepX
  const sheetHeight = FAR + Math.ceil(count / across) * stepY
  const sheet = new Uint8Array(sheetWidth * sheetHeight * 3).fill(WHITE)
  const put = (pixels: ArrayLike<number>, left: number, top: number): void => {
    for (let y = 0; y < height + 2; y += 1) {
      const at = ((top + y) * sheetWidth + left) * 3
      sheet.fill(FRAME, at, at + (width + 2) * 3)
      if (y === 0 || y > height) continue
      for (let i = 0; i < width * 3; i += 1) {
        const column = Math.floor(i / 3) * channels + (channels === 1 ? 0 : i % 3)
        sheet[at + 3 + i] = toByte(pixels[(y - 1) * width * channels + column]!)
      }
    }
  }
  for (let i = 0; i < count; i += 1) {
    const [left, top] = [FAR + (i % across) * stepX, FAR + Math.floor(i / across) * stepY]
    put(before.subarray(i * size, (i + 1) * size), left, top)
    put(after.subarray(i * size, (i + 1) * size), left, top + height + 2 + NEAR)
  }
  const sharp = await loadSharp()
  const raw = { width: sheetWidth, height: sheetHeight, channels: 3 } as const
  const png = await sharp(sheet, { raw, limitInputPixels: false })
    .resize({ width: Math.min(sheetWidth, MOST_WIDTH) })
    .png({ compressionLevel: 6, adaptiveFiltering: true })
    .toBuffer()
  await writeFileAtomic(path, png)
}

function toByte(value: number): number {
  return Math.min(Math.max(Math.round(value), 0), 255)
}

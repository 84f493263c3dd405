// Writes the pictures of docs/augmentation.md: a drawn house, and what each key does to it. After `npm run build`.
import { writeFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import sharp from 'sharp'
import { createAugmenter } from '../dist/src/data/augmentation/augmenter.js'

const SIZE = 96
const GAP = 6
const STILL = {
  ...{ theta: 0, tx: 0, ty: 0, shear: 0, zx: 1, zy: 1 },
  ...{ flipHorizontal: false, flipVertical: false, channelShift: 0 },
}

/** Rows of tiles, each a transform and a fill. */
const KEYS = [
  [{}, { theta: -40 }, { tx: -19 }, { ty: -19 }, { shear: 25 }, { flipHorizontal: true }],
  [
    { flipVertical: true },
    { zx: 0.7, zy: 0.7 },
    { zx: 1.4, zy: 1.4 },
    { brightness: 0.6 },
    { brightness: 1.4 },
    { channelShift: 60 },
  ],
]
const TURNED = { theta: 25, zx: 1.7, zy: 1.7 }
const FILLS = ['nearest', 'constant', 'reflect', 'wrap']

/** `[SIZE, SIZE, 3]`: sky, sun, hill and a house, smooth at the edges by taking nine points of each pixel. */
function house() {
  const pixels = new Uint8Array(SIZE * SIZE * 3)
  for (let i = 0; i < SIZE * SIZE; i += 1) {
    const sum = [0, 0, 0]
    for (let part = 0; part < 9; part += 1) {
      const x = ((i % SIZE) + (1 + 2 * (part % 3)) / 6) / SIZE
      const y = (Math.floor(i / SIZE) + (1 + 2 * Math.floor(part / 3)) / 6) / SIZE
      colourAt(x, y).forEach((value, channel) => (sum[channel] += value / 9))
    }
    pixels.set(sum.map(Math.round), i * 3)
  }
  return pixels
}

function colourAt(x, y) {
  const inBox = (left, top, right, bottom) => x > left && x < right && y > top && y < bottom
  if (inBox(0.3, 0.62, 0.42, 0.82)) return [92, 58, 40]
  if (inBox(0.5, 0.58, 0.62, 0.7)) return [250, 226, 130]
  if (inBox(0.22, 0.48, 0.7, 0.82)) return [222, 208, 188]
  if (y < 0.48 && y > 0.22 + Math.abs(x - 0.46) * 0.85) return [168, 62, 50]
  if (inBox(0.58, 0.2, 0.65, 0.4)) return [120, 70, 60]
  if (y > 0.76 + 0.1 * (x - 0.5)) return [96, 150, 82]
  if (Math.hypot(x - 0.84, y - 0.17) < 0.09) return [252, 214, 80]
  return [134, 190, 232]
}

/** A white sheet `[height, width, 3]` of rows of tiles. */
function sheetOf(rows) {
  const [pixels, augment] = [house(), createAugmenter()]
  const step = SIZE + GAP
  const [width, height] = [rows[0].length * step - GAP, rows.length * step - GAP]
  const sheet = new Uint8Array(width * height * 3).fill(255)
  rows.forEach((tiles, row) =>
    tiles.forEach(({ fill = { fillMode: 'nearest', cval: 0 }, ...transform }, column) => {
      const out = new Float32Array(pixels.length)
      augment(pixels, [SIZE, SIZE, 3], { ...STILL, ...transform }, fill, out)
      for (let y = 0; y < SIZE; y += 1) {
        const line = Uint8Array.from(out.subarray(y * SIZE * 3, (y + 1) * SIZE * 3), Math.round)
        sheet.set(line, ((row * step + y) * width + column * step) * 3)
      }
    }),
  )
  return { data: sheet, width, height }
}

/** The two pictures by file name. */
export function pictures() {
  const fills = FILLS.map((fillMode) => ({ ...TURNED, fill: { fillMode, cval: 0 } }))
  return { 'keys.png': sheetOf(KEYS), 'fill-modes.png': sheetOf([fills]) }
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  for (const [name, { data, width, height }] of Object.entries(pictures())) {
    const raw = { width, height, channels: 3 }
    const png = sharp(data, { raw }).png({ adaptiveFiltering: true, compressionLevel: 9 })
    writeFileSync(new URL(`../docs/augmentation/${name}`, import.meta.url), await png.toBuffer())
  }
}

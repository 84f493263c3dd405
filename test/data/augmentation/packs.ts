import { join } from 'node:path'
import { NO_AUGMENTATION, type Augmentation } from '../../../src/data/augmentation/augmentation.ts'
import type { Shape } from '../../../src/data/augmentation/warp-plain.ts'
import { createPack } from '../../../src/data/pack.ts'

/** Something of everything. */
export const LIVELY: Augmentation = {
  ...NO_AUGMENTATION,
  rotationRange: 40,
  widthShiftRange: 0.1,
  heightShiftRange: 3,
  zoomRange: [0.8, 1.2],
  horizontalFlip: true,
  brightnessRange: [0.8, 1.2],
  channelShiftRange: 20,
  fillMode: 'reflect',
}

/** Picture `row` of the packs that `writePack` writes. */
export function picture(row: number, [height, width, channels]: Shape): Uint8Array {
  const count = height * width * channels
  return Uint8Array.from({ length: count }, (_, i) => Math.imul(row * count + i, 2654435761) >>> 13)
}

/** Writes `FOLDER/train.pack` and returns its path. */
export async function writePack(folder: string, count: number, shape: Shape): Promise<string> {
  const path = join(folder, 'train')
  const index = { dtype: 'uint8', shape: [count, ...shape], byteOrder: 'little' } as const
  const pack = await createPack(path, index)
  for (let row = 0; row < count; row += 1) await pack.write(row, picture(row, shape))
  await pack.finish()
  return `${path}.pack`
}

import { join } from 'node:path'
import { MOST_PAIRS, writeContactSheet } from '../data/augmentation/contact-sheet.ts'
import { openPack } from '../data/pack.ts'
import type { ExampleSource } from '../training/example-source.ts'
import { PIXELS } from '../training/trunk.ts'

/** A picture of an artifact that shows what augmentation made of the first pictures. */
export const SHEET_FILE = 'augmentation.png'

/**
 * Writes the sheet: some rows of an augmented source, each with the picture of the pixel pack that it comes from.
 * `epoch` is whose draws are shown.
 */
export async function writeSheet(
  out: string,
  pack: string,
  augmented: ExampleSource,
  rows: readonly { readonly row: number; readonly picture: number }[],
  epoch: number,
): Promise<void> {
  const shown = rows.slice(0, MOST_PAIRS)
  const pixels = await openPack(pack)
  try {
    const before = await pixels.gather(shown.map(({ picture }) => picture))
    const after = augmented.allocate(shown.length)
    await augmented.gather(
      Uint32Array.from(shown, ({ row }) => row),
      epoch,
      after,
    )
    const [, height, width, channels] = pixels.index.shape as [number, number, number, number]
    await writeContactSheet(
      join(out, SHEET_FILE),
      before as Uint8Array,
      after[PIXELS] as Float32Array,
      [shown.length, height, width, channels],
    )
  } finally {
    await pixels.close()
  }
}

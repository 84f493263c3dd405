import type { Augmentation } from '../data/augmentation/augmentation.ts'
import { bankVariant } from '../data/augmentation/augmentation.ts'
import { openAugmentedPixels } from '../data/augmentation/open-augmented.ts'
import { mapped, type ExampleSource } from './example-source.ts'
import { PIXELS } from './trunk.ts'

export interface AugmentedOptions {
  /** The pixel pack. */
  readonly path: string
  readonly augmentation: Augmentation
  readonly seed: number
}

/** Pixels with fresh draws every epoch: float32 in 0..255. */
export async function openAugmented(options: AugmentedOptions): Promise<ExampleSource> {
  const pixels = await openAugmentedPixels(options)
  return {
    pictures: pixels.pictures,
    inputs: [{ name: PIXELS, shape: pixels.shape, dtype: 'float32' }],
    allocate: (rows) => ({ [PIXELS]: pixels.allocate(rows) }),
    gather: (rows, epoch, out) => pixels.gather(rows, epoch, out[PIXELS] as Float32Array),
    close: () => pixels.close(),
  }
}

/** The pixels of a bank: `variants` draws of each picture, one after the other, the same in every epoch. */
export async function openBank(
  options: AugmentedOptions & { readonly variants: number },
): Promise<ExampleSource> {
  const { variants } = options
  const pixels = await openAugmentedPixels(options)
  return {
    pictures: pixels.pictures * variants,
    inputs: [{ name: PIXELS, shape: pixels.shape, dtype: 'float32' }],
    allocate: (rows) => ({ [PIXELS]: pixels.allocate(rows) }),
    gather: (rows, _, out) =>
      pixels.gatherVariants(
        rows.map((row) => Math.floor(row / variants)),
        rows.map((row) => row % variants),
        out[PIXELS] as Float32Array,
      ),
    close: () => pixels.close(),
  }
}

/** What is stored of a bank, as one picture's draw among its variants each epoch. */
export function drawnFromBank(
  source: ExampleSource,
  variants: number,
  seed: number,
): ExampleSource {
  return mapped(
    source,
    source.pictures / variants,
    (row, epoch) => row * variants + bankVariant(seed, epoch, row, variants),
  )
}

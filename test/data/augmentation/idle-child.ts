import { openAugmentedPixels } from '../../../src/data/augmentation/open-augmented.ts'
import { LIVELY } from './packs.ts'

/** Waits for one batch with nothing else alive, and leaves the threads as they are. */
const pixels = await openAugmentedPixels({
  path: process.argv[2]!,
  augmentation: LIVELY,
  seed: 1,
  workers: 2,
})
const out = pixels.allocate(5)
await pixels.gather(Uint32Array.of(0, 1, 2, 3, 4), 0, out)
console.log(`the last value is ${out.at(-1)! > 0 ? 'there' : 'not there'}`)

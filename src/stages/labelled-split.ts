import { join } from 'node:path'
import { readLabels } from '../data/index-table.ts'
import { openPack } from '../data/pack.ts'
import type { Artifact } from '../graph/stage.ts'
import type { LabelledSplit } from '../training/fit.ts'
import { failure } from '../util/diagnostic.ts'

/** A split's features with the labels of the index; close it after use. */
export async function openSplit(
  index: Artifact,
  features: Artifact,
  split: string,
): Promise<LabelledSplit & { classes: readonly string[]; close(): Promise<void> }> {
  const { classes, labels: numbers } = await readLabels(index.path, split)
  const labels = Uint32Array.from(numbers)
  const pack = await openPack(join(features.path, split))
  if (pack.count !== labels.length) {
    await pack.close()
    throw failure(
      'STORE_DAMAGED',
      `the features of ${split} have ${pack.count} rows, its index ${labels.length}`,
      { hint: 'run again with --force features' },
    )
  }
  return {
    classes,
    labels,
    features: {
      pictures: pack.count,
      size: pack.width,
      gather: async (rows, out) => {
        await pack.gather(rows, out)
      },
    },
    close: () => pack.close(),
  }
}

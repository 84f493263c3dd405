import { join } from 'node:path'
import { readLabels } from '../data/index-table.ts'
import type { Artifact } from '../graph/stage.ts'
import { openPacks, type ExampleSource } from '../training/example-source.ts'
import type { LabelledSplit } from '../training/labelled-split.ts'
import { featureName, PIXELS } from '../training/trunk.ts'
import { failure } from '../util/diagnostic.ts'

/** Where a split's examples lie: its pixels, or what the frozen pass kept of the layers `ends`. */
export type ExampleFiles =
  { readonly pixels: Artifact } | { readonly features: Artifact; readonly ends: readonly string[] }

/** A split's examples with the labels of the index; close the source after use. */
export async function openSplit(
  index: Artifact,
  files: ExampleFiles,
  split: string,
): Promise<LabelledSplit & { readonly classes: readonly string[] }> {
  return withLabels(index, await openExamples(files, split), split)
}

/** The same with a source of the caller's; it is closed where the numbers of pictures differ. */
export async function withLabels(
  index: Artifact,
  source: ExampleSource,
  split: string,
): Promise<LabelledSplit & { readonly classes: readonly string[] }> {
  const { classes, labels } = await readLabels(index.path, split)
  if (source.pictures !== labels.length) {
    await source.close()
    const what = source.inputs[0]?.name === PIXELS ? 'pixels' : 'features'
    throw failure(
      'STORE_DAMAGED',
      `the ${what} of ${split} have ${source.pictures} rows, its index ${labels.length}`,
      { hint: `run again with --force ${what}` },
    )
  }
  return { classes, labels: Uint32Array.from(labels), source }
}

export function openExamples(files: ExampleFiles, split: string): Promise<ExampleSource> {
  if ('pixels' in files) {
    return openPacks([{ name: PIXELS, path: join(files.pixels.path, split) }])
  }
  return openPacks(
    files.ends.map((layer) => ({
      name: featureName(layer),
      path: join(files.features.path, split, layer),
    })),
  )
}

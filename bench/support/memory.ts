import { openPack } from '../../src/data/pack.ts'
import { readLabels } from '../../src/data/index-table.ts'
import type { TensorData } from '../../src/program/program.ts'
import {
  plainArrays,
  type ExampleInput,
  type ExampleSource,
} from '../../src/training/example-source.ts'
import type { LabelledSplit } from '../../src/training/labelled-split.ts'
import { PIXELS } from '../../src/training/trunk.ts'
import { permutation } from '../../src/util/rng.ts'
import { join } from 'node:path'
import { folderPixels } from './stages.ts'

export interface MemoryInput extends ExampleInput {
  /** All rows, one after another. */
  readonly data: TensorData
}

/** A source of rows that are in memory. */
export function memorySource(inputs: readonly MemoryInput[], pictures: number): ExampleSource {
  return {
    pictures,
    inputs: inputs.map(({ name, shape, dtype }) => ({ name, shape, dtype })),
    allocate: (rows) => plainArrays(inputs, rows),
    gather: (rows, _, out) => {
      for (const { name, data } of inputs) {
        const width = data.length / pictures
        rows.forEach((row, i) =>
          out[name]!.set(data.subarray(row * width, (row + 1) * width), i * width),
        )
      }
      return Promise.resolve()
    },
    close: () => Promise.resolve(),
  }
}

export interface Pictures extends LabelledSplit {
  readonly pixels: Uint8Array
  readonly classes: number
}

/**
 * `count` pictures of a folder that has one folder for each class, in an order that mixes the classes; of its first
 * `classes` classes only, where that is said. `out` is for the stages.
 */
export async function mixedPictures(
  folder: string,
  options: {
    readonly count: number
    readonly size: number
    readonly out: string
    readonly classes?: number | undefined
  },
): Promise<Pictures> {
  const { count, size, out } = options
  const { index, pixels } = await folderPixels(folder, out, size)
  const { classes, labels } = await readLabels(index, 'train')
  const wanted = options.classes ?? classes.length
  const pack = await openPack(join(pixels, 'train'))
  const rows = [...permutation(pack.count, 1, 'bench')]
    .filter((row) => labels[row]! < wanted)
    .slice(0, count)
  const data = (await pack.gather(rows)) as Uint8Array
  await pack.close()
  return {
    pixels: data,
    classes: wanted,
    labels: Uint32Array.from(rows, (row) => labels[row]!),
    source: memorySource(
      [{ name: PIXELS, shape: [size, size, 3], dtype: 'uint8', data }],
      rows.length,
    ),
  }
}

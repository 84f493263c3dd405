import { openPack, type PackReader } from '../data/pack.ts'
import type { Shape, TensorData } from '../program/program.ts'

/** One thing that a program is fed for every picture: `pixels`, or `features/LAYER`. */
export interface ExampleInput {
  /** The name of the feed. */
  readonly name: string
  /** Of one picture. */
  readonly shape: Shape
  readonly dtype: 'uint8' | 'float32'
}

/** Arrays for a number of pictures, by the name of the input. */
export type ExampleArrays = Readonly<Record<string, TensorData>>

/** Where a split's examples come from. */
export interface ExampleSource {
  readonly pictures: number
  readonly inputs: readonly ExampleInput[]
  /** Arrays that `gather` fills for so many rows, in memory of the source's choice. */
  allocate(rows: number): ExampleArrays
  /**
   * Fills the arrays with the rows, one after the other; what is behind them is left as it is. `epoch` (from 1) decides
   * what chance makes of a picture, where there is chance. Several may be on their way at once.
   */
  gather(rows: Uint32Array, epoch: number, out: ExampleArrays): Promise<void>
  close(): Promise<void>
}

/** Packs as they are, one for each input. Throws STORE_DAMAGED. */
export async function openPacks(
  packs: readonly { readonly name: string; readonly path: string }[],
): Promise<ExampleSource> {
  const readers: PackReader[] = []
  const close = async (): Promise<void> => {
    await Promise.all(readers.map((reader) => reader.close()))
  }
  try {
    for (const { path } of packs) readers.push(await openPack(path))
  } catch (error) {
    await close()
    throw error
  }
  const inputs = packs.map(({ name }, i): ExampleInput => {
    const { index } = readers[i]!
    return {
      name,
      shape: index.shape.slice(1),
      dtype: index.dtype === 'uint8' ? 'uint8' : 'float32',
    }
  })
  return {
    pictures: readers[0]?.count ?? 0,
    inputs,
    allocate: (rows) => plainArrays(inputs, rows),
    gather: async (rows, _, out) => {
      await Promise.all(
        readers.map((reader, i) => reader.gather(rows, out[inputs[i]!.name] as Float32Array)),
      )
    },
    close,
  }
}

/** Arrays in ordinary memory. */
export function plainArrays(inputs: readonly ExampleInput[], rows: number): ExampleArrays {
  return Object.fromEntries(
    inputs.map(({ name, shape, dtype }) => {
      const size = shape.reduce((product, n) => product * n, rows)
      return [name, dtype === 'uint8' ? new Uint8Array(size) : new Float32Array(size)]
    }),
  )
}

/** The source with every row mapped to one of another source, by the epoch: a bank of variants. */
export function mapped(
  source: ExampleSource,
  pictures: number,
  rowOf: (row: number, epoch: number) => number,
): ExampleSource {
  return {
    ...source,
    pictures,
    gather: (rows, epoch, out) =>
      source.gather(
        rows.map((row) => rowOf(row, epoch)),
        epoch,
        out,
      ),
  }
}

import { availableParallelism } from 'node:os'
import { openPack, type PackIndex } from '../pack.ts'
import type { Draws } from './augment-worker.ts'
import type { Augmentation } from './augmentation.ts'
import { startThreads } from './threads.ts'
import type { Shape } from './warp-plain.ts'

export interface AugmentedOptions {
  /** Of a uint8 pack `[pictures, height, width, channels]`, as `openPack` takes it. */
  readonly path: string
  readonly augmentation: Augmentation
  readonly seed: number
  /** Threads; default: one a core, at most 8. Nothing but the time depends on it. */
  readonly workers?: number
}

/** Pictures of a pack, each with its draw applied: float32 in 0..255. A picture's number for its draws is its row. */
export interface AugmentedPixels {
  readonly pictures: number
  readonly shape: Shape
  /** Room for so many pictures in shared memory, to be used again and again. */
  allocate(rows: number): Float32Array
  /**
   * Writes the draws of `epoch` for `rows`, in any order, into `out` from its beginning. Several calls may be under way.
   * Shared memory is written by the threads, other memory by a copy at the end. When this rejects, nobody writes any
   * more. Throws STORE_DAMAGED.
   */
  gather(rows: Uint32Array, epoch: number, out: Float32Array): Promise<void>
  /** As `gather`, with variant `variants[i]` of picture `rows[i]`: what a bank keeps. */
  gatherVariants(rows: Uint32Array, variants: Uint32Array, out: Float32Array): Promise<void>
  close(): Promise<void>
}

const MOST_WORKERS = 8
/** Pictures of one task: small enough that all threads end together. */
const MOST_ROWS = 8

/** Throws STORE_DAMAGED where the pack is. The threads open it for themselves. */
export async function openAugmentedPixels(options: AugmentedOptions): Promise<AugmentedPixels> {
  const { path, augmentation, seed } = options
  const workers = Math.max(1, options.workers ?? Math.min(MOST_WORKERS, availableParallelism()))
  const pack = await openPack(path)
  const { count, width, index } = pack
  await pack.close()
  const shape = pictureShape(path, index)
  const threads = startThreads({ path, shape, augmentation, seed }, workers)
  const allocate = (rows: number): Float32Array =>
    new Float32Array(new SharedArrayBuffer(4 * rows * width))

  const run = async (rows: Uint32Array, draws: Draws, out: Float32Array): Promise<void> => {
    if (out.length < rows.length * width) {
      throw new RangeError(`room for ${out.length} values, need ${rows.length * width}`)
    }
    if ('variants' in draws && draws.variants.length !== rows.length) {
      throw new RangeError(`${draws.variants.length} variants for ${rows.length} rows`)
    }
    const stranger = rows.find((row) => row >= count)
    if (stranger !== undefined)
      throw new RangeError(`row ${stranger} of ${path}, which has ${count}`)
    const shared = out.buffer instanceof SharedArrayBuffer ? out : allocate(rows.length)
    const portion = Math.min(MOST_ROWS, Math.ceil(rows.length / (2 * workers)))
    const tasks: Promise<void>[] = []
    for (let start = 0; start < rows.length; start += portion) {
      const part = <T>(of: { slice(from: number, to: number): T }): T =>
        of.slice(start, start + portion)
      tasks.push(
        threads.run({
          rows: part(rows),
          draws: 'variants' in draws ? { variants: part(draws.variants) } : draws,
          into: shared.buffer as SharedArrayBuffer,
          offset: shared.byteOffset + 4 * start * width,
        }),
      )
    }
    const failed = (await Promise.allSettled(tasks)).find(({ status }) => status === 'rejected')
    if (failed) throw (failed as PromiseRejectedResult).reason
    if (shared !== out) out.set(shared)
  }

  return {
    pictures: count,
    shape,
    allocate,
    gather: (rows, epoch, out) => run(rows, { epoch }, out),
    gatherVariants: (rows, variants, out) => run(rows, { variants }, out),
    close: () => threads.close(),
  }
}

function pictureShape(path: string, { dtype, shape: [, ...one] }: PackIndex): Shape {
  const [height, width, channels] = one
  if (dtype !== 'uint8' || one.length !== 3 || (channels !== 1 && channels !== 3)) {
    throw new TypeError(`${path} holds ${dtype} [${one.join(', ')}], no pictures`)
  }
  return [height!, width!, channels]
}

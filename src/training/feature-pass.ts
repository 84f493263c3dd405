import pLimit from 'p-limit'
import type { PackWriter } from '../data/pack.ts'
import type { Session } from '../engines/engine.ts'
import { sizeOf } from '../program/program.ts'
import type { ExampleSource } from './example-source.ts'

/**
 * Runs every row of a source through the trunk and writes what is kept of it in the same order. Memory is a few batches,
 * whatever the number of pictures: while `session.concurrency` batches are computed, one more is read.
 */
export async function featurePass(options: {
  readonly session: Session
  readonly source: ExampleSource
  /** By the name of the fetch. */
  readonly features: ReadonlyMap<string, PackWriter>
  readonly batch: number
  readonly signal: AbortSignal
  readonly onProgress: (done: number, total: number) => void
}): Promise<void> {
  const { session, source, features, batch, signal, onProgress } = options
  const compute = pLimit(session.concurrency)
  const widths = new Map(
    [...features].map(([name, { index }]) => [name, sizeOf(index.shape.slice(1))]),
  )
  let next = 0
  let done = 0
  const lane = async (): Promise<void> => {
    const feed = source.allocate(batch)
    while (next < source.pictures) {
      signal.throwIfAborted()
      const start = next
      const count = Math.min(batch, source.pictures - start)
      next += count
      const rows = Uint32Array.from({ length: count }, (_, i) => start + i)
      await source.gather(rows, 1, feed)
      const result = await compute(() => session.run('features', feed))
      for (const [name, pack] of features) {
        const values = result[name] as Float32Array
        await pack.write(start, values.subarray(0, count * widths.get(name)!))
      }
      done += count
      onProgress(done, source.pictures)
    }
  }
  await Promise.all(Array.from({ length: session.concurrency + 1 }, lane))
}

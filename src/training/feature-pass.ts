import pLimit from 'p-limit'
import type { PackReader, PackWriter } from '../data/pack.ts'
import type { Session } from '../engines/engine.ts'
import { sizeOf } from '../program/program.ts'

/**
 * Runs every row of a pixel pack through the trunk and writes the features in the same order. Memory is a few batches,
 * whatever the number of pictures: while `session.concurrency` batches are computed, one more is read.
 */
export async function featurePass(options: {
  readonly session: Session
  readonly pixels: PackReader
  readonly features: PackWriter
  readonly batch: number
  readonly signal: AbortSignal
  readonly onProgress: (done: number, total: number) => void
}): Promise<void> {
  const { session, pixels, features, batch, signal, onProgress } = options
  const compute = pLimit(session.concurrency)
  const width = sizeOf(features.index.shape.slice(1))
  let next = 0
  let done = 0
  const lane = async (): Promise<void> => {
    const feed = new Uint8Array(batch * pixels.width)
    while (next < pixels.count) {
      signal.throwIfAborted()
      const start = next
      const count = Math.min(batch, pixels.count - start)
      next += count
      const rows = Uint32Array.from({ length: count }, (_, i) => start + i)
      await pixels.gather(rows, feed)
      const result = await compute(() => session.run('features', { pixels: feed }))
      const values = result['features'] as Float32Array
      await features.write(start, values.subarray(0, count * width))
      done += count
      onProgress(done, pixels.count)
    }
  }
  await Promise.all(Array.from({ length: session.concurrency + 1 }, lane))
}

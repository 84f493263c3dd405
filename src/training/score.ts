import type { Session } from '../engines/engine.ts'
import { both } from '../util/promises.ts'
import { encodeTargets } from './batches.ts'
import type { LabelledSplit } from './labelled-split.ts'
import { openTally, type MetricName, type Tally } from './metrics.ts'
import type { ProgramShape } from './training-program.ts'

/** What `evaluateSplit` knows of each picture: its row, its outputs [width], its loss. */
export type KeepPicture = (row: number, outputs: Float32Array, loss: number) => void

/**
 * Runs the entry `infer` over a whole split and scores it; while one batch runs the next is read. A short last batch is
 * filled up and the surplus ignored: in inference a row depends on no other.
 */
export async function evaluateSplit(
  options: {
    readonly session: Session
    readonly shape: ProgramShape
    readonly signal: AbortSignal
  },
  { source, labels }: LabelledSplit,
  metrics: readonly MetricName[],
  keep?: KeepPicture,
): Promise<Tally> {
  const { session, shape, signal } = options
  const { width, inferBatch } = shape
  const tally = openTally(width, metrics)
  const sets = [0, 1].map(() => ({
    ...source.allocate(inferBatch),
    targets: new Float32Array(inferBatch * width),
  }))
  const read = async (start: number) => {
    const count = Math.min(inferBatch, source.pictures - start)
    const rows = Uint32Array.from({ length: count }, (_, i) => start + i)
    const feeds = sets[(start / inferBatch) % 2]!
    await source.gather(rows, 1, feeds)
    encodeTargets(labels, rows, width, feeds.targets)
    return { rows, feeds }
  }
  let next = source.pictures > 0 ? read(0) : undefined
  for (let start = 0; start < source.pictures; start += inferBatch) {
    const { rows, feeds } = await next!
    signal.throwIfAborted()
    const running = session.run('infer', feeds)
    const following = start + inferBatch
    next = following < source.pictures ? read(following) : undefined
    const [result] = await both(running, next)
    const { losses, outputs, penalty } = result as Record<string, Float32Array>
    const count = rows.length
    const scored = { probabilities: outputs!, labels: labelsOf(labels, rows), losses: losses! }
    tally.add({ ...scored, count, penalty: penalty?.[0] })
    if (!keep) continue
    for (let i = 0; i < count; i += 1) {
      keep(start + i, outputs!.slice(i * width, (i + 1) * width), losses![i]!)
    }
  }
  return tally
}

export function labelsOf(labels: Uint32Array, rows: Uint32Array): Uint32Array {
  return rows.map((row) => labels[row]!)
}

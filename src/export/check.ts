import { join } from 'node:path'
import { openPack } from '../data/pack.ts'
import type { Engine } from '../engines/engine.ts'
import type { Store } from '../graph/store.ts'
import type { Preprocessing } from '../models/preprocessing.ts'
import { sizeOf, type Shape } from '../program/program.ts'
import type { StoredRun } from '../runs/read.ts'
import { OUTPUTS, PREDICT, predictProgram } from '../training/predict-program.ts'
import { PIXELS } from '../training/trunk.ts'
import { stream } from '../util/rng.ts'
import type { WholeGraph } from './front.ts'

/** Pictures as the model of a run takes them: uint8 [count, height, width, channels]. */
export interface SomePixels {
  readonly data: Uint8Array
  readonly shape: Shape
  /** The split that they are of; undefined: they are made up. */
  readonly split: string | undefined
}

/** How many are compared at most. */
const PICTURES = 8

/** Some pictures of a run as its store keeps them, spread over its test split or another, else made-up ones. */
export async function somePixels(run: StoredRun, store: Store, shape: Shape): Promise<SomePixels> {
  for (const split of ['test', 'validation', 'train']) {
    const stage = run.record.stages.find(({ id }) => id === `pixels:${split}`)
    const kept = stage && (await store.open(stage.digest, stage.fingerprint, () => undefined))
    if (!kept) continue
    const pack = await openPack(join(kept.path, split))
    try {
      const count = Math.min(PICTURES, pack.count)
      const isFit = pack.index.shape.slice(1).join() === shape.join()
      if (count === 0 || !isFit) continue
      const rows = Array.from({ length: count }, (_, i) => Math.floor((i * pack.count) / count))
      const data = (await pack.gather(rows)) as Uint8Array
      return { data, shape: [count, ...shape], split }
    } finally {
      await pack.close()
    }
  }
  const count = PICTURES / 2
  const { below } = stream('export')
  const data = Uint8Array.from({ length: count * sizeOf(shape) }, () => below(256))
  return { data, shape: [count, ...shape], split: undefined }
}

/** What the model's last layer gives for the pictures, row by row. */
export async function predictions(
  engine: Engine,
  model: WholeGraph & { readonly preprocessing?: Preprocessing },
  { data, shape }: SomePixels,
): Promise<Float32Array> {
  const preprocessing = model.preprocessing ?? { mode: 'none' }
  const { program } = predictProgram({ ...model, preprocessing }, { shape })
  const session = await engine.compile(program)
  try {
    const fetched = await session.run(PREDICT, { [PIXELS]: data })
    return fetched[OUTPUTS] as Float32Array
  } finally {
    await session.close()
  }
}

/** The largest difference, in units of the largest value where that is above 1 (a probability never is). */
export function largestDifference(a: Float32Array, b: Float32Array): number {
  if (a.length !== b.length) return Infinity
  let largest = 1
  let most = 0
  for (const [i, value] of a.entries()) {
    const difference = Math.abs(value - b[i]!)
    if (Number.isNaN(difference)) return Infinity
    largest = Math.max(largest, Math.abs(value))
    most = Math.max(most, difference)
  }
  return most / largest
}

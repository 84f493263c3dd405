import type { TensorData } from '../program/program.ts'
import { encodeTargets, fillDropoutMask } from './batches.ts'
import type { LabelledSplit } from './labelled-split.ts'
import type { ProgramShape } from './training-program.ts'

export interface FeederOptions {
  readonly shape: ProgramShape
  readonly train: LabelledSplit
  readonly seed: number
  /** One weight a class. */
  readonly classWeights: Float32Array
}

export type Feeds = Readonly<Record<string, TensorData>>

/** Fills the feeds of training batches, in two sets of arrays that take turns. */
export class Feeder {
  readonly #options: FeederOptions
  readonly #sets: readonly Map<number, Feeds>[] = [new Map(), new Map()]
  #turn = 0

  constructor(options: FeederOptions) {
    this.#options = options
  }

  /** Everything that `train@N` takes; the scalars are given as they are. */
  async feeds(
    rows: Uint32Array,
    epoch: number,
    scalars: Readonly<Partial<Record<string, number>>>,
  ): Promise<Feeds> {
    const { shape, train, seed, classWeights } = this.#options
    this.#turn = 1 - this.#turn
    const feeds = this.#arrays(rows.length, Object.keys(scalars))
    const gathered = train.source.gather(rows, epoch, feeds)
    encodeTargets(train.labels, rows, shape.width, feeds['targets'] as Float32Array)
    const weights = feeds['weights']!
    rows.forEach((row, i) => (weights[i] = classWeights[train.labels[row]!]!))
    for (const dropout of shape.dropouts) {
      const mask = feeds[`dropout/${dropout.layer}`] as Float32Array
      fillDropoutMask(mask, rows, dropout, seed, epoch)
    }
    for (const [name, value] of Object.entries(scalars)) feeds[name]![0] = value!
    await gathered
    return feeds
  }

  #arrays(count: number, scalars: readonly string[]): Feeds {
    const { shape, train } = this.#options
    const set = this.#sets[this.#turn]!
    const known = set.get(count)
    if (known) return known
    const arrays: Record<string, TensorData> = {
      ...train.source.allocate(count),
      targets: new Float32Array(count * shape.width),
      weights: new Float32Array(count),
    }
    for (const name of scalars) arrays[name] = new Float32Array(1)
    for (const { layer, size } of shape.dropouts) {
      arrays[`dropout/${layer}`] = new Float32Array(count * size)
    }
    set.set(count, arrays)
    return arrays
  }
}

import type { Session } from '../engines/engine.ts'
import { failure, type PipelineError } from '../util/diagnostic.ts'
import { encodeTargets, fillDropoutMask, planEpoch } from './batches.ts'
import { openTally, type MetricName, type Tally } from './metrics.ts'
import { scalarsAt, type OptimizerConfig } from './optimizers.ts'
import { learningRateAt, type Schedule } from './schedules.ts'

/** Where a split's features come from: rows of a pack. */
export interface FeatureSource {
  readonly pictures: number
  /** Values a picture. */
  readonly size: number
  /** Fills `out` with the rows, one after the other; what is behind them is left as it is. */
  gather(rows: Uint32Array, out: Float32Array): Promise<void>
}

export interface LabelledSplit {
  readonly features: FeatureSource
  /** The class of every row. */
  readonly labels: Uint32Array
}

/** What the loop must know of the program it trains. */
export interface HeadShape {
  /** Columns of targets and outputs. */
  readonly width: number
  readonly dropouts: readonly {
    readonly layer: string
    readonly rate: number
    readonly size: number
  }[]
  /** Pictures that the entry `infer` takes at once. */
  readonly inferBatch: number
}

export interface FitOptions {
  readonly session: Session
  readonly head: HeadShape
  readonly train: LabelledSplit
  readonly validation: LabelledSplit | undefined
  readonly epochs: number
  readonly batchSize: number
  readonly lastBatch: 'keep' | 'drop'
  readonly shuffle: boolean
  readonly seed: number
  readonly optimizer: OptimizerConfig & { readonly learningRate: number | Schedule }
  /** One weight a class. */
  readonly classWeights: Float32Array
  readonly signal: AbortSignal
  readonly onEpoch: (epoch: EpochFigures) => void
  readonly onBatch: (done: number, total: number) => void
}

export interface EpochFigures {
  /** From 1. */
  readonly epoch: number
  /** Running means over the epoch's batches, weighted by their pictures. */
  readonly train: Readonly<Record<string, number>>
  /** After the epoch. */
  readonly validation: Readonly<Record<string, number>> | undefined
  readonly seconds: number
}

/**
 * The training loop. Each step is one run of the program's entry `train@N`: features, targets, weights of the
 * examples, masks, learning rate and step number go in, losses and outputs come back, the variables have moved.
 * Throws NOT_FINITE where a loss is NaN or infinite while it trains or on validation, and the signal's reason between two batches.
 */
export async function fit(options: FitOptions): Promise<EpochFigures[]> {
  const { session, train, validation, epochs, signal, onBatch, onEpoch } = options
  const history: EpochFigures[] = []
  const feeder = new Feeder(options)
  const perEpoch = planEpoch(train.features.pictures, { ...options, epoch: 1 }).batches.length
  let step = 0
  for (let epoch = 1; epoch <= epochs; epoch += 1) {
    const started = performance.now()
    const tally = openTally(options.head.width, WATCHED)
    const { order, batches } = planEpoch(train.features.pictures, { ...options, epoch })
    let next = feeder.feeds(order.subarray(...batches[0]!), epoch, step + 1)
    for (const [i, [start, end]] of batches.entries()) {
      const feeds = await next
      signal.throwIfAborted()
      step += 1
      const running = session.run(`train@${end - start}`, feeds)
      // The next batch is read while this one runs: the feeder has two sets of arrays that take turns.
      const following = batches[i + 1]
      if (following) next = feeder.feeds(order.subarray(...following), epoch, step + 1)
      const [result] = await Promise.all([running, next])
      const { losses, outputs, loss } = result as Record<string, Float32Array>
      if (!Number.isFinite(loss![0])) {
        throw notFinite(`the loss is ${loss![0]} at epoch ${epoch}, batch ${i + 1}`, options)
      }
      const labels = labelsOf(train.labels, order.subarray(start, end))
      tally.add({ probabilities: outputs!, labels, losses: losses!, count: end - start })
      onBatch((epoch - 1) * perEpoch + i + 1, epochs * perEpoch)
    }
    const figures: EpochFigures = {
      epoch,
      train: figuresOf(tally),
      validation: validation && figuresOf(await evaluateSplit(options, validation, WATCHED)),
      seconds: (performance.now() - started) / 1000,
    }
    const { loss = 0 } = figures.validation ?? {}
    if (!Number.isFinite(loss)) {
      throw notFinite(`the validation loss is ${loss} after epoch ${epoch}`, options)
    }
    history.push(figures)
    onEpoch(figures)
  }
  return history
}

/** What is watched while training. */
const WATCHED: readonly MetricName[] = ['loss', 'accuracy']

/** What `evaluateSplit` knows of each picture: its row, its outputs [width], its loss. */
export type KeepPicture = (row: number, outputs: Float32Array, loss: number) => void

/**
 * Runs the entry `infer` over a whole split and scores it. A short last batch is filled up and the surplus ignored:
 * in inference a row depends on no other.
 */
export async function evaluateSplit(
  { session, head, signal }: Pick<FitOptions, 'session' | 'head' | 'signal'>,
  { features, labels }: LabelledSplit,
  metrics: readonly MetricName[],
  keep?: KeepPicture,
): Promise<Tally> {
  const tally = openTally(head.width, metrics)
  const values = new Float32Array(head.inferBatch * features.size)
  const targets = new Float32Array(head.inferBatch * head.width)
  for (let start = 0; start < features.pictures; start += head.inferBatch) {
    signal.throwIfAborted()
    const count = Math.min(head.inferBatch, features.pictures - start)
    const rows = Uint32Array.from({ length: count }, (_, i) => start + i)
    await features.gather(rows, values)
    encodeTargets(labels, rows, head.width, targets)
    const result = await session.run('infer', { features: values, targets })
    const { losses, outputs } = result as Record<string, Float32Array>
    tally.add({ probabilities: outputs!, labels: labelsOf(labels, rows), losses: losses!, count })
    if (!keep) continue
    for (let i = 0; i < count; i += 1) {
      keep(start + i, outputs!.slice(i * head.width, (i + 1) * head.width), losses![i]!)
    }
  }
  return tally
}

function labelsOf(labels: Uint32Array, rows: Uint32Array): Uint32Array {
  return rows.map((row) => labels[row]!)
}

function figuresOf(tally: Tally): Record<string, number> {
  return { ...tally.figures() }
}

/** Fills the feeds of training batches, in two sets of arrays that take turns. */
class Feeder {
  readonly #options: FitOptions
  readonly #sets: readonly Map<number, Record<string, Float32Array>>[] = [new Map(), new Map()]
  #turn = 0

  constructor(options: FitOptions) {
    this.#options = options
  }

  async feeds(
    rows: Uint32Array,
    epoch: number,
    step: number,
  ): Promise<Record<string, Float32Array>> {
    const { head, train, seed, optimizer, classWeights } = this.#options
    this.#turn = 1 - this.#turn
    const feeds = this.#arrays(rows.length)
    await train.features.gather(rows, feeds['features']!)
    encodeTargets(train.labels, rows, head.width, feeds['targets']!)
    const weights = feeds['weights']!
    rows.forEach((row, i) => (weights[i] = classWeights[train.labels[row]!]!))
    for (const dropout of head.dropouts) {
      fillDropoutMask(feeds[`dropout/${dropout.layer}`]!, rows, dropout, seed, epoch)
    }
    const rate = learningRateAt(optimizer.learningRate, step - 1)
    const scalars = Object.entries(scalarsAt(optimizer, step, rate))
    for (const [name, value] of scalars) feeds[name] = Float32Array.of(value)
    return feeds
  }

  #arrays(count: number): Record<string, Float32Array> {
    const { head, train } = this.#options
    const set = this.#sets[this.#turn]!
    const known = set.get(count)
    if (known) return known
    const arrays: Record<string, Float32Array> = {
      features: new Float32Array(count * train.features.size),
      targets: new Float32Array(count * head.width),
      weights: new Float32Array(count),
    }
    for (const { layer, size } of head.dropouts) {
      arrays[`dropout/${layer}`] = new Float32Array(count * size)
    }
    set.set(count, arrays)
    return arrays
  }
}

export function notFinite(what: string, options?: Pick<FitOptions, 'optimizer'>): PipelineError {
  const rate = options?.optimizer.learningRate
  const how =
    rate === undefined ? '' : `, with learning rate ${typeof rate === 'number' ? rate : rate.name}`
  return failure('NOT_FINITE', `${what}${how}`, {
    hint: 'lower optimizer.learningRate, or look at preprocessing: pixels of 0..255 must be rescaled',
  })
}

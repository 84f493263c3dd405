import type { Session } from '../engines/engine.ts'
import { failure, type PipelineError } from '../util/diagnostic.ts'
import { stableNumber } from '../util/figures.ts'
import type { JsonObject } from '../util/json.ts'
import { both } from '../util/promises.ts'
import { planEpoch } from './batches.ts'
import type { Checkpoint, Checkpoints, KeptCheckpoint } from './checkpoint.ts'
import { emaAt } from './ema.ts'
import { Feeder, type Feeds } from './feeder.ts'
import type { LabelledSplit } from './labelled-split.ts'
import { openTally, type MetricName, type Tally, type TallyState } from './metrics.ts'
import {
  FORMAT,
  isFinite,
  type EpochFigures,
  type LoopPlace,
  type LoopState,
} from './loop-state.ts'
import { evaluateSplit, labelsOf } from './score.ts'
import type { ProgramShape } from './training-program.ts'
import { scalarsAt, type OptimizerConfig } from './optimizers.ts'
import { learningRateAt, type Schedule } from './schedules.ts'

export interface FitOptions {
  readonly session: Session
  readonly shape: ProgramShape
  readonly train: LabelledSplit
  readonly validation: LabelledSplit | undefined
  /** Only where something watches it. */
  readonly test?: LabelledSplit | undefined
  /** Counted from 1, over all phases. */
  readonly firstEpoch: number
  readonly lastEpoch: number
  readonly batchSize: number
  readonly lastBatch: 'keep' | 'drop'
  readonly shuffle: boolean
  readonly seed: number
  readonly optimizer: OptimizerConfig & { readonly learningRate: number | Schedule }
  /** One weight a class. */
  readonly classWeights: Float32Array
  /** What is watched beside loss and accuracy. */
  readonly metrics?: readonly MetricName[] | undefined
  readonly callbacks?: FitCallbacks | undefined
  /** Where the state is saved, and when. */
  readonly checkpoints?: Checkpoints | undefined
  readonly isDue?: ((moment: Moment) => boolean) | undefined
  /** Where to go on; else from the session's own values. Asked for once and then let go: it is as large as those. */
  readonly from?: (() => Checkpoint | undefined) | undefined
  /** Facts that every checkpoint holds beside the state. */
  readonly stamp?: JsonObject | undefined
  readonly signal: AbortSignal
  /** Also for those that a checkpoint tells of: `before`. */
  readonly onEpoch: (epoch: EpochFigures, before: boolean) => void
  readonly onBatch: (done: number, total: number) => void
  /** It stops because of the signal, and its state is saved where there are checkpoints. */
  readonly onStop?: ((where: LoopPlace) => void) | undefined
}

/** What looks at each epoch's figures. Its state is plain JSON, so that a checkpoint can hold it. */
export interface FitCallbacks {
  afterEpoch(figures: EpochFigures): {
    readonly stop: boolean
    /** A new learning rate, from now on. */
    readonly learningRate?: number | undefined
    /** The epoch's weights will be wanted. */
    readonly keep: boolean
  }
  /** Epochs whose kept weights may still be wanted. */
  bests(): readonly number[]
  state(): JsonObject
  restore(state: JsonObject): void
}

/** When a checkpoint may be due. */
export interface Moment {
  readonly endOfEpoch: boolean
  /** Batches since the last one. */
  readonly batches: number
  /** Seconds since the last one. */
  readonly seconds: number
}

/** What begins so is no weight of the model. */
const SLOTS = 'optimizer/'

/** What is watched while training. */
const WATCHED: readonly MetricName[] = ['loss', 'accuracy']

/**
 * The training loop. Each step is one run of the program's entry `train@N`: inputs, targets, weights of the examples,
 * masks, learning rate and step number go in, losses and outputs come back, the variables have moved. The first abort of
 * the signal lets the running batch end, saves a checkpoint and throws the signal's reason.
 * Throws NOT_FINITE where a loss is NaN or infinite while it trains or on validation.
 */
export async function fit(options: FitOptions): Promise<FitResult> {
  const loop = new Loop(options)
  await loop.restore()
  while (loop.epoch <= options.lastEpoch && !loop.stopped) await loop.runEpoch()
  return { history: loop.history, end: await loop.checkpoint() }
}

export interface FitResult {
  readonly history: readonly EpochFigures[]
  /** Where it ended: more epochs may go on from it. */
  readonly end: KeptCheckpoint
}

class Loop {
  readonly history: EpochFigures[] = []
  epoch: number
  stopped = false
  readonly #options: FitOptions
  readonly #metrics: readonly MetricName[]
  readonly #feeder: Feeder
  #step = 0
  /** Batches of the epoch that are done. */
  #batch = 0
  #tally: Tally
  /** When the epoch began, as far as this process knows; what was done before counts as if it had just been. */
  #began = performance.now()
  /** Set by a callback; else the schedule's. */
  #learningRate: number | undefined
  #saved = { step: 0, at: performance.now() }

  constructor(options: FitOptions) {
    this.#options = options
    this.#metrics = [...new Set([...WATCHED, ...(options.metrics ?? [])])]
    this.#feeder = new Feeder(options)
    this.epoch = options.firstEpoch
    this.#tally = this.#openTally()
  }

  async restore(): Promise<void> {
    const { session, callbacks } = this.#options
    const from = this.#options.from?.()
    if (!from) return
    await session.write(from.variables)
    const state = from.state as unknown as LoopState
    this.#step = state.step
    this.epoch = state.epoch
    this.#batch = state.batch
    this.#tally = this.#openTally(state.tally ?? undefined)
    this.#began = performance.now() - 1000 * state.seconds
    this.history.push(...state.history)
    this.#learningRate = state.learningRate ?? undefined
    this.stopped = state.stopped
    callbacks?.restore(state.callbacks)
    this.#saved = { step: this.#step, at: performance.now() }
    for (const figures of this.history) this.#options.onEpoch(figures, true)
  }

  /** What is left of the epoch, its validation, and what the callbacks make of it. */
  async runEpoch(): Promise<void> {
    const { train, validation, test, callbacks, onEpoch, checkpoints } = this.#options
    const { epoch } = this
    const { order, batches } = planEpoch(train.source.pictures, { ...this.#options, epoch })
    await this.#runBatches(order, batches.slice(this.#batch), batches.length)
    const figures: EpochFigures = {
      epoch,
      train: figuresOf(this.#tally),
      validation: validation && (await this.#evaluate(validation)),
      ...(test ? { test: await this.#evaluate(test) } : {}),
      seconds: this.#seconds(),
    }
    const { loss = 0 } = figures.validation ?? {}
    if (!Number.isFinite(loss)) {
      throw notFinite(`the validation loss is ${loss} after epoch ${epoch}`, this.#rate())
    }
    this.history.push(figures)
    onEpoch(figures, false)
    const decision = callbacks?.afterEpoch(figures)
    this.stopped = decision?.stop ?? false
    this.#learningRate = decision?.learningRate ?? this.#learningRate
    if (decision?.keep) await checkpoints?.saveBest(epoch, await this.#weights())
    this.epoch += 1
    this.#batch = 0
    this.#tally = this.#openTally()
    this.#began = performance.now()
    await this.#save(true)
  }

  async #evaluate(split: LabelledSplit): Promise<Record<string, number>> {
    try {
      return figuresOf(await evaluateSplit(this.#options, split, this.#metrics))
    } catch (error) {
      // The epoch's batches are not lost: it goes on with its validation.
      if (this.#options.signal.aborted) await this.#interrupt()
      throw error
    }
  }

  async #runBatches(
    order: Uint32Array,
    batches: readonly (readonly [number, number])[],
    perEpoch: number,
  ): Promise<void> {
    const { train, onBatch, signal } = this.#options
    const { epoch } = this
    const feeds = ([start, end]: readonly [number, number], step: number) =>
      this.#feeder.feeds(order.subarray(start, end), epoch, this.#scalars(step))
    let next = batches[0] && feeds(batches[0], this.#step + 1)
    for (const [i, [start, end]] of batches.entries()) {
      const fed = await next!
      // Between two batches, where everything is settled.
      if (signal.aborted) await this.#interrupt()
      this.#step += 1
      const running = this.#update(`train@${end - start}`, fed)
      // The next batch is read while this one runs: the feeder has two sets of arrays that take turns.
      const following = batches[i + 1]
      next = following && feeds(following, this.#step + 1)
      const [result] = await both(running, next)
      const { losses, outputs, loss, penalty } = result as Record<string, Float32Array>
      if (!Number.isFinite(loss![0])) throw this.#wentWrong(loss![0]!)
      const labels = labelsOf(train.labels, order.subarray(start, end))
      const count = end - start
      const scored = { probabilities: outputs!, labels, losses: losses!, count }
      this.#tally.add({ ...scored, penalty: penalty?.[0] })
      this.#batch += 1
      const before = (epoch - this.#options.firstEpoch) * perEpoch
      onBatch(before + this.#batch, this.#epochs() * perEpoch)
      await this.#save(false)
    }
    if (signal.aborted) await this.#interrupt()
  }

  /** One step, and what follows it where averages of the weights are kept. */
  async #update(entry: string, fed: Feeds): Promise<Awaited<ReturnType<Session['run']>>> {
    const { session, optimizer } = this.#options
    const result = await session.run(entry, fed)
    const ema = emaAt(optimizer, this.#step)
    if (ema) await session.run('ema', ema.feeds)
    if (ema?.overwrites) await session.run('emaOverwrite', {})
    return result
  }

  /** Values that are not finite are no checkpoint: the last good one stays. Throws NOT_FINITE. */
  async checkpoint(): Promise<KeptCheckpoint> {
    const { callbacks, session, stamp = {}, firstEpoch } = this.#options
    const variables = await session.read()
    for (const [name, data] of variables) {
      if (isFinite(data)) continue
      throw notFinite(`${name} is not finite ${this.#where()}`, this.#rate())
    }
    const state: LoopState = {
      format: FORMAT,
      stamp,
      ...this.#place(),
      tally: this.#batch > 0 ? this.#tally.state() : null,
      seconds: this.#batch > 0 ? this.#seconds() : 0,
      history: [...this.history],
      learningRate: this.#learningRate ?? null,
      stopped: this.stopped,
      callbacks: callbacks?.state() ?? {},
    }
    // Those of earlier phases are kept elsewhere.
    const bests = (callbacks?.bests() ?? []).filter((epoch) => epoch >= firstEpoch)
    return { state: state as unknown as JsonObject, variables, bests }
  }

  /** Of the model, without the optimizer's slots. */
  async #weights(): Promise<Map<string, Float32Array>> {
    const all = await this.#options.session.read()
    return new Map([...all].filter(([name]) => !name.startsWith(SLOTS)))
  }

  /** Saves, if it is time to. */
  async #save(endOfEpoch: boolean, due = false): Promise<void> {
    const { checkpoints, isDue } = this.#options
    const batches = this.#step - this.#saved.step
    const seconds = (performance.now() - this.#saved.at) / 1000
    if (!checkpoints || (!due && !isDue?.({ endOfEpoch, batches, seconds }))) return
    await checkpoints.save(this.#place(), await this.checkpoint())
    this.#saved = { step: this.#step, at: performance.now() }
  }

  async #interrupt(): Promise<never> {
    if (this.#step > this.#saved.step) await this.#save(false, true)
    this.#options.onStop?.(this.#place())
    throw this.#options.signal.reason
  }

  /** What the optimizer's update of a step (from 1) is fed. */
  #scalars(step: number): Partial<Record<string, number>> {
    return scalarsAt(this.#options.optimizer, step, this.#rate(step))
  }

  #rate(step = Math.max(1, this.#step)): number {
    return this.#learningRate ?? learningRateAt(this.#options.optimizer.learningRate, step - 1)
  }

  #wentWrong(loss: number): PipelineError {
    return notFinite(`the loss is ${loss} ${this.#where(1)}`, this.#rate())
  }

  #where(more = 0): string {
    const batch = this.#batch + more
    const place =
      batch > 0 ? `at epoch ${this.epoch}, batch ${batch}` : `after epoch ${this.epoch - 1}`
    return `${place} (step ${this.#step})`
  }

  #place(): LoopPlace {
    return { step: this.#step, epoch: this.epoch, batch: this.#batch }
  }

  #seconds(): number {
    return (performance.now() - this.#began) / 1000
  }

  #epochs(): number {
    return this.#options.lastEpoch - this.#options.firstEpoch + 1
  }

  #openTally(state?: TallyState): Tally {
    return openTally(this.#options.shape.width, this.#metrics, state)
  }
}

function figuresOf(tally: Tally): Record<string, number> {
  return { ...tally.figures() }
}

export function notFinite(what: string, learningRate?: number): PipelineError {
  const how = learningRate === undefined ? '' : `, with learning rate ${stableNumber(learningRate)}`
  return failure('NOT_FINITE', `${what}${how}`, {
    hint: 'lower optimizer.learningRate, or look at preprocessing: pixels of 0..255 must be rescaled',
  })
}

import type { JsonObject } from '../util/json.ts'
import { METRICS, type MetricName } from './metrics.ts'
import { learningRateAt, type Schedule } from './schedules.ts'

/** A split and a figure of it: `validation.loss`. */
export type Monitor = string

export interface EarlyStopping {
  readonly monitor: Monitor
  /** Epochs without getting better. */
  readonly patience: number
  /** What counts as better. */
  readonly minDelta: number
  /** Training ends with the best epoch's weights, whether it was stopped or not. */
  readonly restoreBest: boolean
}

export interface ReduceLROnPlateau {
  readonly monitor: Monitor
  readonly factor: number
  /** Epochs without getting better. */
  readonly patience: number
  readonly minLearningRate: number
}

export interface CallbackSettings {
  readonly earlyStopping?: EarlyStopping | undefined
  readonly reduceLROnPlateau?: ReduceLROnPlateau | undefined
  readonly keepBest?: Monitor | undefined
}

type Split = 'train' | 'validation' | 'test'
type Figures = Readonly<Record<string, number>>

/** Figures of an epoch (from 1), by split. */
export type EpochOfSplits = { readonly epoch: number } & {
  readonly [S in Split]?: Figures | undefined
}

export interface Decision {
  readonly stop: boolean
  /** The learning rate from now on, where it changes. */
  readonly learningRate?: number
  /** The epoch is the best so far: its weights are to be kept in the place of the best one's before. */
  readonly keep: boolean
}

export interface Callbacks {
  /** An epoch without the monitored figure says nothing. */
  afterEpoch(figures: EpochOfSplits): Decision
  /**
   * The best epoch so far, whose weights training ends with: by `keepBest`, else by early stopping with
   * `restoreBest`. Empty where neither is asked for, and before any epoch.
   */
  bests(): readonly number[]
  state(): JsonObject
  restore(state: JsonObject): void
}

/** What is remembered of a figure, as plain JSON. */
interface Watch {
  readonly best: number | null
  readonly epoch: number | null
  /** Epochs since it got better, or since something was done about it. */
  readonly wait: number
}

interface State {
  readonly earlyStopping: Watch
  readonly plateau: Watch & { readonly learningRate: number }
  readonly keepBest: Watch
}

const NOTHING: Watch = { best: null, epoch: null, wait: 0 }

/** Keras' default of ReduceLROnPlateau. */
const PLATEAU_DELTA = 1e-4

/**
 * Keras 3's EarlyStopping, ReduceLROnPlateau (without a cooldown) and ModelCheckpoint with `save_best_only`
 * (keras/src/callbacks, a file each), as a state that figures change. `learningRate` is the optimizer's; with
 * a schedule there is no reduceLROnPlateau. `before` is the best epoch that `keepBest` has seen in earlier phases.
 */
export function openCallbacks(
  settings: CallbackSettings,
  learningRate: number | Schedule,
  before?: { readonly epoch: number; readonly value: number },
): Callbacks {
  const rate = learningRateAt(learningRate, 0)
  let state: State = {
    earlyStopping: NOTHING,
    plateau: { ...NOTHING, learningRate: rate },
    keepBest: before ? { best: before.value, epoch: before.epoch, wait: 0 } : NOTHING,
  }
  const { earlyStopping, reduceLROnPlateau, keepBest } = settings
  return {
    afterEpoch: (figures) => {
      const before = state
      const stopping = earlyStopping && seen(state.earlyStopping, figures, earlyStopping)
      const plateau = reduceLROnPlateau && reduced(state.plateau, figures, reduceLROnPlateau)
      const kept =
        keepBest === undefined
          ? undefined
          : seen(state.keepBest, figures, { monitor: keepBest, minDelta: 0 })
      state = {
        earlyStopping: stopping ?? before.earlyStopping,
        plateau: plateau ?? before.plateau,
        keepBest: kept ?? before.keepBest,
      }
      const { learningRate: now } = state.plateau
      const best = bestOf(settings, state)
      return {
        // Keras looks at the patience only after an epoch that did not get better.
        stop:
          stopping !== undefined && stopping.wait > 0 && stopping.wait >= earlyStopping!.patience,
        ...(now === before.plateau.learningRate ? {} : { learningRate: now }),
        keep: best !== null && best !== bestOf(settings, before),
      }
    },
    bests: () => [bestOf(settings, state) ?? []].flat(),
    state: () => state as unknown as JsonObject,
    restore: (saved) => void (state = saved as unknown as State),
  }
}

/** What has to be computed after each epoch: the split and figure of each monitor. */
export function monitored(settings: CallbackSettings): { split: Split; figure: MetricName }[] {
  const { earlyStopping, reduceLROnPlateau, keepBest } = settings
  const monitors = [earlyStopping?.monitor, reduceLROnPlateau?.monitor, keepBest]
  return [...new Set(monitors.filter((monitor) => monitor !== undefined))].map(monitorParts)
}

/** Of a monitor as the schema has it; whether there is such a figure, the pipeline's checks say. */
export function monitorParts(monitor: Monitor): { split: Split; figure: MetricName } {
  const [split, figure] = monitor.split('.') as [Split, MetricName]
  return { split, figure }
}

function bestOf({ earlyStopping, keepBest }: CallbackSettings, state: State): number | null {
  if (keepBest !== undefined) return state.keepBest.epoch
  return earlyStopping?.restoreBest ? state.earlyStopping.epoch : null
}

/** The watch after an epoch; undefined where the figure is not there. */
function seen<W extends Watch>(
  watch: W,
  figures: EpochOfSplits,
  { monitor, minDelta }: Pick<EarlyStopping, 'monitor' | 'minDelta'>,
): W | undefined {
  const { split, figure } = monitorParts(monitor)
  const value = figures[split]?.[figure]
  if (value === undefined) return undefined
  const isBetter =
    watch.best === null || improves(METRICS[figure].better, value, watch.best, minDelta)
  return isBetter
    ? { ...watch, best: value, epoch: figures.epoch, wait: 0 }
    : { ...watch, wait: watch.wait + 1 }
}

/** By more than minDelta, compared in float32 as Keras does (monitor_callback.py, `_is_improvement`). */
function improves(
  better: 'higher' | 'lower',
  value: number,
  best: number,
  minDelta: number,
): boolean {
  return better === 'higher'
    ? Math.fround(value - minDelta) > Math.fround(best)
    : Math.fround(value + minDelta) < Math.fround(best)
}

/** The rate is float32, as Keras' variable is; at its least nothing is counted off (reduce_lr_on_plateau.py). */
function reduced(
  plateau: State['plateau'],
  figures: EpochOfSplits,
  { monitor, factor, patience, minLearningRate }: ReduceLROnPlateau,
): State['plateau'] | undefined {
  const watch = seen(plateau, figures, { monitor, minDelta: PLATEAU_DELTA })
  if (!watch || watch.wait === 0 || watch.wait < patience) return watch
  if (watch.learningRate <= Math.fround(minLearningRate)) return watch
  const learningRate = Math.fround(Math.max(watch.learningRate * factor, minLearningRate))
  return { ...watch, wait: 0, learningRate }
}

import { stream, type Stream } from '../../util/rng.ts'
import type { Dimension, Point } from '../domain.ts'
import { axisOf } from './kernels.ts'
import { parzen } from './parzen.ts'
import { freshness, withoutInactive, type SuggestOptions } from './points.ts'
import { suggestRandom } from './random.ts'

/** What a trial came to. `pending` is running or waiting; `stopped` ended early, at `resource` epochs. */
export interface Observation {
  readonly point: Point
  readonly state: 'done' | 'pending' | 'failed' | 'stopped'
  /** The metric; of a stopped trial the last one reported. */
  readonly value?: number
  readonly resource?: number
}

export type Goal = 'maximize' | 'minimize'

export interface TpeOptions extends SuggestOptions {
  readonly goal: Goal
}

/** Finished trials before the estimator is asked; until then points are random. */
const STARTUP = 10
const CANDIDATES = 24

/**
 * The next point by a multivariate tree-structured Parzen estimator (Bergstra et al. 2011; Falkner et al. 2018), with the
 * defaults of Optuna's `TPESampler(multivariate=True, group=True, constant_liar=True)`: of candidates drawn from the density of
 * the good trials the one where that density is highest against the density of the bad ones. `history` is in the order of trial
 * numbers and holds every trial so far; pending ones count as bad, so that two workers don't try the same. The answer is a pure
 * function of the arguments and no point of the history. Undefined where nothing is left, as in `suggestRandom`.
 */
export function suggestTpe(
  dimensions: readonly Dimension[],
  history: readonly Observation[],
  options: TpeOptions,
): Point | undefined {
  const taken = history.map(({ point }) => point)
  const finished = history.filter(isFinished)
  if (finished.length < STARTUP) return suggestRandom(dimensions, taken, options)
  const { good, bad } = splitHistory(history, options.goal)
  const random = stream(options.seed, 'sweep-tpe', options.number)
  const ranked = groupsOf(dimensions, finished).map((group) => candidates(group, good, bad, random))
  const isFresh = freshness(taken, options.isAllowed)
  for (let rank = 0; rank < CANDIDATES; rank += 1) {
    const joined = Object.assign({}, ...ranked.map((list) => list[rank]!)) as Point
    const point = withoutInactive(dimensions, joined)
    if (isFresh(point)) return point
  }
  return suggestRandom(dimensions, taken, options)
}

/**
 * The best tenth of the finished trials (at most 25) and all others, each in the order of the history. Stopped trials come
 * behind the done ones: those that got further first, then by their last value. Failed ones are left out.
 */
export function splitHistory(
  history: readonly Observation[],
  goal: Goal,
): { readonly good: readonly Point[]; readonly bad: readonly Point[] } {
  const finished = history.filter(isFinished)
  const count = Math.min(Math.ceil(0.1 * finished.length), 25)
  const best = new Set(finished.toSorted((a, b) => compare(a, b, goal)).slice(0, count))
  const counted = history.filter((one) => one.state === 'pending' || isFinished(one))
  return {
    good: counted.filter((one) => best.has(one)).map(({ point }) => point),
    bad: counted.filter((one) => !best.has(one)).map(({ point }) => point),
  }
}

/** A done trial without a number is none to learn from. */
function isFinished({ state, value }: Observation): boolean {
  return state === 'stopped' || (state === 'done' && value !== undefined && !Number.isNaN(value))
}

/** Negative where a is better (Optuna's `_split_trials` and `_get_pruned_trial_score`). */
function compare(a: Observation, b: Observation, goal: Goal): number {
  if (a.state !== b.state) return a.state === 'done' ? -1 : 1
  const further = a.state === 'stopped' ? reached(b) - reached(a) : 0
  if (further !== 0) return further
  const [x, y] = [loss(a, goal), loss(b, goal)]
  return x < y ? -1 : x > y ? 1 : 0
}

/** Epochs of a stopped trial; one that never reported comes last. */
function reached({ value, resource }: Observation): number {
  return value === undefined ? -1 : (resource ?? 0)
}

function loss({ value }: Observation, goal: Goal): number {
  if (value === undefined || Number.isNaN(value)) return Infinity
  return goal === 'minimize' ? value : -value
}

/** Dimensions that were active in the same trials are estimated together. */
function groupsOf(
  dimensions: readonly Dimension[],
  finished: readonly Observation[],
): readonly (readonly Dimension[])[] {
  const groups = new Map<string, Dimension[]>()
  for (const dimension of dimensions) {
    const signature = finished.map(({ point }) => (dimension.name in point ? 1 : 0)).join('')
    groups.set(signature, [...(groups.get(signature) ?? []), dimension])
  }
  return [...groups.values()]
}

/** Points of the group alone, the most promising first. */
function candidates(
  group: readonly Dimension[],
  good: readonly Point[],
  bad: readonly Point[],
  random: Stream,
): readonly Point[] {
  const axes = group.map(({ domain }) => axisOf(domain))
  // Points that lack a dimension of the group, or have a value that is no longer in its domain, say nothing here.
  const coordinates = (points: readonly Point[]) =>
    points
      .map((point) =>
        axes.map((axis, i) => {
          const value = point[group[i]!.name]
          return value === undefined ? undefined : axis.toCoordinate(value)
        }),
      )
      .filter((row): row is number[] => !row.includes(undefined))
  const [below, above] = [parzen(axes, coordinates(good)), parzen(axes, coordinates(bad))]
  return Array.from({ length: CANDIDATES }, () => below.draw(random))
    .map((row) => ({ row, gain: below.logDensity(row) - above.logDensity(row) }))
    .sort((a, b) => b.gain - a.gain)
    .map(({ row }) => Object.fromEntries(row.map((x, i) => [group[i]!.name, axes[i]!.toValue(x)])))
}

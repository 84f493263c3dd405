import type { Goal } from '../samplers/tpe.ts'

export interface MedianRule {
  readonly goal: Goal
  /** The first epoch, from 1, after which a trial may be stopped. */
  readonly min: number
  /** Finished trials before any is stopped. */
  readonly trials: number
}

/**
 * Whether a running trial is to be stopped now: the best of its values so far is worse than the median of what finished trials
 * had at the same epoch (not of their running averages, as in Google Vizier). Optuna's `MedianPruner(trials, min)`, after
 * Golovin et al. 2017. `values` and each of `finished` are the metric by epoch, the first epoch's first; NaN where it was none.
 */
export function medianDecision(
  values: readonly number[],
  finished: readonly (readonly number[])[],
  { goal, min, trials }: MedianRule,
): boolean {
  const epoch = values.length
  if (epoch === 0 || epoch < min || finished.length === 0 || finished.length < trials) return false
  const loss = (value: number) => (goal === 'minimize' ? value : -value)
  const own = values.filter((value) => !Number.isNaN(value)).map(loss)
  if (own.length === 0) return true
  const others = finished
    .map((curve) => curve[epoch - 1])
    .filter((value) => value !== undefined && !Number.isNaN(value))
    .map((value) => loss(value!))
  return others.length > 0 && Math.min(...own) > median(others)
}

function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b)
  const middle = sorted.length >> 1
  return sorted.length % 2 === 1 ? sorted[middle]! : (sorted[middle - 1]! + sorted[middle]!) / 2
}

import type { Goal } from '../samplers/tpe.ts'

export interface AshaRule {
  readonly goal: Goal
  /** Epochs of the first rung and of a whole training. */
  readonly min: number
  readonly max: number
  /** One in eta goes on at each rung; a whole number from 2. */
  readonly eta: number
}

export interface AshaTrial {
  readonly number: number
  /** `paused` at its rung; `done` when it ended by itself or reached `max`. */
  readonly state: 'running' | 'paused' | 'done' | 'failed'
  /** The rung it runs to or ran to, in epochs. */
  readonly rung: number
  /** The metric by epoch, the first epoch's first. */
  readonly values: readonly number[]
}

export type AshaDecision =
  /** A paused trial goes on to the next rung. */
  | { readonly type: 'promote'; readonly trial: number; readonly rung: number }
  /** A new trial starts towards the first rung. */
  | { readonly type: 'start'; readonly rung: number }
  /** Nothing to do until a running trial reports. */
  | { readonly type: 'wait' }
  | { readonly type: 'end' }

/** min eta^k below max, and max: the epochs after which trials are compared, and the end. */
export function ashaRungs({ min, max, eta }: Omit<AshaRule, 'goal'>): readonly number[] {
  const rungs: number[] = []
  for (let rung = min; rung < max; rung *= eta) rungs.push(rung)
  return [...rungs, max]
}

/**
 * When trials start. The paper promotes whenever it can and else starts a new trial, which suits trials without end. Of a known
 * set each trial that comes late and does better is promoted beside those that were promoted for want of it: in an order from
 * bad to good most of them. So there, `first`: all start before any goes on, and what goes on is the top of all.
 */
export type AshaStart = 'first' | 'last'

/**
 * What a free worker does next, by asynchronous successive halving (Li et al. 2018, arXiv:1810.05934, Algorithm 2): from the highest
 * rung down, the best paused trial among the top floor(n / eta) of the n trials that have reported at the rung goes on; if there
 * is none, a new trial starts. `canStart` says whether any is left to start.
 *
 * Beyond the paper: the paper starts new trials for ever, a sweep has a last one. When nothing can start, run or be promoted and no
 * trial came to its end, the best of the highest rung goes on, so that a sweep always has a whole training to show. Failed
 * trials don't count at any rung. One that ended by itself below a rung counts there with its last value.
 */
export function ashaDecision(
  trials: readonly AshaTrial[],
  rule: AshaRule,
  canStart: boolean,
  start: AshaStart = 'last',
): AshaDecision {
  const rungs = ashaRungs(rule)
  if (canStart && start === 'first') return { type: 'start', rung: rungs[0]! }
  for (let k = rungs.length - 2; k >= 0; k -= 1) {
    const reported = standing(trials, rungs[k]!, rule.goal)
    const top = reported.slice(0, Math.floor(reported.length / rule.eta))
    const next = top.find((trial) => isWaiting(trial, rungs[k]!))
    if (next) return { type: 'promote', trial: next.number, rung: rungs[k + 1]! }
  }
  if (canStart) return { type: 'start', rung: rungs[0]! }
  if (trials.some(({ state }) => state === 'running')) return { type: 'wait' }
  if (trials.some(({ state }) => state === 'done')) return { type: 'end' }
  for (let k = rungs.length - 2; k >= 0; k -= 1) {
    const best = standing(trials, rungs[k]!, rule.goal).find((one) => isWaiting(one, rungs[k]!))
    if (best) return { type: 'promote', trial: best.number, rung: rungs[k + 1]! }
  }
  return { type: 'end' }
}

/** The trials that reported at the rung, the best first, at equal values the older one. */
function standing(trials: readonly AshaTrial[], rung: number, goal: Goal): readonly AshaTrial[] {
  return trials
    .filter((trial) => trial.state !== 'failed' && valueAt(trial, rung) !== undefined)
    .toSorted((a, b) => {
      const [x, y] = [loss(valueAt(a, rung)!, goal), loss(valueAt(b, rung)!, goal)]
      return x < y ? -1 : x > y ? 1 : a.number - b.number
    })
}

function valueAt({ values, state, rung: target }: AshaTrial, rung: number): number | undefined {
  return values[rung - 1] ?? (state === 'done' && target >= rung ? values.at(-1) : undefined)
}

/** Whether the trial stands at this very rung with a value to go on from. */
function isWaiting({ state, rung: target, values }: AshaTrial, rung: number): boolean {
  return state === 'paused' && target === rung && !Number.isNaN(values[rung - 1])
}

function loss(value: number, goal: Goal): number {
  if (Number.isNaN(value)) return Infinity
  return goal === 'minimize' ? value : -value
}

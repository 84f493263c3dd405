import type { SweepBlock, Values } from '../pipeline/sweep-block.ts'
import { failure } from '../util/diagnostic.ts'
import { canonicalJson } from '../util/json.ts'
import { gridCandidates, gridSize, MOST_TRIALS, repeatsOf, withoutRepeat } from './candidates.ts'
import type { Point } from './domain.ts'
import { withoutInactive } from './samplers/points.ts'
import { suggestRandom } from './samplers/random.ts'
import { suggestTpe, type Observation } from './samplers/tpe.ts'
import { probes, spaceOf, type Space } from './space.ts'
import { isBetter, valueOf, type TrialState } from './trial-state.ts'

/** The parameters that are known before any trial has run: all of them, but for TPE only the given points. */
export function firstCandidates(block: SweepBlock): readonly Values[] {
  const { method, maxTrials = Infinity } = block
  if (method === 'list') return block.points
  if (method === 'grid') {
    const size = gridSize(block)
    if (size <= MOST_TRIALS) return gridCandidates(block)
    throw failure('CONFLICT', `the grid has ${size} trials, more than ${MOST_TRIALS}`, {
      hint: 'try fewer values, or method: random with maxTrials',
    })
  }
  const space = spaceOf(block)
  const given = givenPoints(block, space)
  if (method === 'tpe') return given.map(space.values)
  const points = [...given]
  while (points.length < maxTrials) {
    const { seed } = block
    const { dimensions, isAllowed } = space
    const point = suggestRandom(dimensions, points, { seed, number: points.length, isAllowed })
    if (!point) break
    points.push(point)
  }
  return points.map(space.values)
}

/** The points that are tried first; what one leaves out is drawn. */
function givenPoints(block: SweepBlock, space: Space): Point[] {
  const { dimensions } = space
  return block.points.map((values, number) => {
    const drawn = suggestRandom(dimensions, [], { seed: block.seed, number }) ?? {}
    const given = Object.entries(space.point({ ...space.values(drawn), ...values }) ?? values)
    return withoutInactive(dimensions, { ...drawn, ...Object.fromEntries(given) })
  })
}

/** Parameters that are checked before the first trial starts, where trials depend on what came before. */
export function probeCandidates(block: SweepBlock): readonly Values[] {
  if (block.method !== 'tpe') return []
  const space = spaceOf(block)
  const { dimensions, isAllowed } = space
  const base = suggestRandom(dimensions, [], { seed: block.seed, number: 0, isAllowed }) ?? {}
  return probes(space, base).map((point) => space.values(withoutInactive(dimensions, point)))
}

/** A trial with what has become of it. */
export interface TriedTrial {
  readonly parameters: Values
  readonly state: TrialState | undefined
}

/**
 * The parameters that TPE would try next, given all trials in the order in which they were suggested; undefined where there are
 * enough, or nothing is left. Trials that differ in `repeat` alone are one observation, their mean.
 */
export function nextCandidate(
  block: SweepBlock,
  tried: readonly TriedTrial[],
): { readonly number: number; readonly parameters: Values } | undefined {
  const space = spaceOf(block)
  const history = observations(block, space, tried)
  const most = Math.floor((block.maxTrials ?? Infinity) / repeatsOf(block).length)
  if (history.length >= most) return undefined
  const { dimensions, isAllowed } = space
  const options = {
    seed: block.seed,
    number: history.length,
    goal: block.metric.goal,
    isAllowed,
  }
  const point = suggestTpe(dimensions, history, options)
  return point && { number: history.length, parameters: space.values(point) }
}

/** What samplers and importances learn from: one a group of repeats, in the order of the trials. */
export function observations(
  block: SweepBlock,
  space: Space,
  tried: readonly TriedTrial[],
): Observation[] {
  const groups = new Map<string, TriedTrial[]>()
  for (const trial of tried) {
    const key = canonicalJson(withoutRepeat(block, trial.parameters))
    groups.set(key, [...(groups.get(key) ?? []), trial])
  }
  return [...groups.values()].flatMap((group) => {
    const point = space.point(withoutRepeat(block, group[0]!.parameters))
    return point ? [observation(block, point, group)] : []
  })
}

function observation(block: SweepBlock, point: Point, group: readonly TriedTrial[]): Observation {
  const states = group.map(({ state }) => state)
  const values = states.flatMap((state) => (state && valueOf(state, block.metric)) ?? [])
  const has = (status: TrialState['status']) => states.some((state) => state?.status === status)
  const isPending = states.some((s) => !s || s.status === 'waiting' || s.status === 'running')
  if (isPending) return { point, state: 'pending' }
  if (values.length === 0) return { point, state: 'failed' }
  const value = values.reduce((sum, v) => sum + v, 0) / values.length
  if (!has('stopped') && !has('paused')) return { point, state: 'done', value }
  const resource = Math.max(...states.map((state) => state?.epochs ?? 0))
  const last = values.reduce((a, b) => (isBetter(a, b, block.metric) ? a : b))
  return { point, state: 'stopped', value: last, resource }
}

import type { SweepBlock } from '../pipeline/sweep-block.ts'
import { importances, type Importance } from './importance.ts'
import type { SweepResults } from './results.ts'
import type { Observation } from './samplers/tpe.ts'
import { spaceOf } from './space.ts'

/** With fewer finished groups a forest has nothing to tell. */
const LEAST = 6

/**
 * How much the figure depends on each parameter that varies, the most important first; by groups of repeats. Empty where too
 * few are done, only one parameter varies, or they are not the block's parameters (method list).
 */
export function sweepImportance(block: SweepBlock, { groups }: SweepResults): Importance[] {
  const space = spaceOf(block)
  const history = groups.flatMap(({ parameters, trials, mean }): Observation[] => {
    const point = space.point(parameters)
    const isDone = trials.every(({ status }) => status === 'done')
    return point && isDone && mean !== undefined ? [{ point, state: 'done', value: mean }] : []
  })
  const varying = space.dimensions.filter(({ name }) => {
    return new Set(history.map(({ point }) => JSON.stringify(point[name]))).size > 1
  })
  if (history.length < LEAST || varying.length < 2) return []
  const found = importances(varying, history)
  if (found.every(({ share }) => share === 0)) return []
  return [...found].sort((a, b) => b.share - a.share)
}

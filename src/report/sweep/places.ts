import type { TrialGroup, TrialResult } from '../../sweeps/results.ts'
import { RANK_STEPS } from '../comparison-palette.ts'
import { figureText } from '../figures.ts'
import { valueText } from './axis.ts'
import type { SweepReport } from './read.ts'

/** Trials are called by their place in the table, 1 being the best. */
export function placeOf({ results }: SweepReport, group: TrialGroup): number {
  return results.groups.indexOf(group) + 1
}

/** The step of a group's colour by how good it is: equal ones have the same; undefined without a figure. */
export function rankStep({ results }: SweepReport, { mean }: TrialGroup): number | undefined {
  if (mean === undefined) return undefined
  const sign = results.metric.goal === 'maximize' ? 1 : -1
  const known = results.groups.flatMap((group) => (group.mean === undefined ? [] : [group.mean]))
  const values = [...new Set(known)].sort((a, b) => sign * (a - b))
  if (values.length < 2) return RANK_STEPS
  return Math.round((values.indexOf(mean) / (values.length - 1)) * RANK_STEPS)
}

/** `units 128, learningRate 0.01`: what varies, of one trial. */
export function parametersText(
  { parameters }: Pick<SweepReport, 'parameters'>,
  values: TrialResult['parameters'],
): string {
  const said = parameters.flatMap(({ key, title }) =>
    values[key] === undefined ? [] : [`${title} ${valueText(values[key])}`],
  )
  return said.join(', ')
}

/** The figure that trials are judged by, for people. */
export function judgedText({ results }: SweepReport, value: number | undefined): string {
  return figureText(results.metric.figure, value)
}

/** Whether it was ended before its time. */
export function isCut({ status }: TrialResult): boolean {
  return status === 'stopped' || status === 'paused'
}

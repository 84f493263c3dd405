import type { SweepMetric, Values } from '../pipeline/sweep-block.ts'
import type { Figures } from '../runs/record.ts'
import type { Sweep } from './sweep.ts'
import type { TrialFolder } from './trial-folder.ts'
import { isBetter, stateOf, valueOf, type TrialStatus } from './trial-state.ts'

export interface TrialResult {
  readonly id: string
  readonly parameters: Values
  readonly group: string
  readonly status: TrialStatus
  /** Of the figure that trials are judged by. */
  readonly value: number | undefined
  readonly metrics: Figures
  readonly epochs: number
  readonly seconds: number | undefined
  /** `<name>/<run id>`. */
  readonly run: string | undefined
  /** Nothing was trained for it. */
  readonly cached: boolean
  readonly failure: { readonly code: string; readonly message: string } | undefined
}

/** Trials that differ only in what `repeat` names. */
export interface TrialGroup {
  readonly parameters: Values
  readonly trials: readonly TrialResult[]
  /** Of those that are done. */
  readonly mean: number | undefined
  /** Sample standard deviation; undefined below two. */
  readonly sd: number | undefined
}

export interface SweepResults {
  readonly metric: SweepMetric
  /** In the order of the sweep. */
  readonly trials: readonly TrialResult[]
  /** Best first, those that were stopped early behind the whole ones, those without a value last. */
  readonly groups: readonly TrialGroup[]
  /** The best trial of the best group whose trials are all finished. */
  readonly best: TrialResult | undefined
}

/** What the trials of a sweep have come to. */
export function sweepResults(
  { block, trials }: Pick<Sweep, 'block' | 'trials'>,
  folders: ReadonlyMap<string, TrialFolder>,
): SweepResults {
  const { metric } = block
  const results = trials.map(({ id, parameters, group }): TrialResult => {
    const folder = folders.get(id)
    const state = folder && stateOf(folder)
    const done = state?.done
    return {
      id,
      parameters,
      group,
      status: state?.status ?? 'waiting',
      value: state && valueOf(state, metric),
      metrics: state?.metrics ?? {},
      epochs: state?.epochs ?? 0,
      seconds: state?.seconds,
      run: (done ?? state?.paused)?.run,
      cached: done?.cached ?? false,
      failure: state?.failure,
    }
  })
  const groups = groupsOf(results, metric, (key) => !block.repeat.has(key))
  const [first] = groups
  const best = first?.mean === undefined ? undefined : bestOf(first.trials, metric)
  return { metric, trials: results, groups, best }
}

function groupsOf(
  trials: readonly TrialResult[],
  metric: SweepMetric,
  isOwn: (key: string) => boolean,
): TrialGroup[] {
  const byGroup = new Map<string, TrialResult[]>()
  for (const trial of trials) {
    byGroup.set(trial.group, [...(byGroup.get(trial.group) ?? []), trial])
  }
  const groups = [...byGroup.values()].map((members): TrialGroup => {
    const values = members.flatMap(({ value }) => value ?? [])
    const parameters = Object.fromEntries(
      Object.entries(members[0]!.parameters).filter(([key]) => isOwn(key)),
    )
    return { parameters, trials: members, ...spread(values) }
  })
  const isCut = ({ trials: own }: TrialGroup) =>
    own.some(({ status }) => status === 'stopped' || status === 'paused')
  // A group that has failures is judged by what it has.
  return groups.sort((a, b) => {
    const whole = Number(isCut(a)) - Number(isCut(b))
    if (whole !== 0 && a.mean !== undefined && b.mean !== undefined) return whole
    if (a.mean === undefined || b.mean === undefined) {
      return Number(a.mean === undefined) - Number(b.mean === undefined)
    }
    return isBetter(a.mean, b.mean, metric) ? -1 : isBetter(b.mean, a.mean, metric) ? 1 : 0
  })
}

function spread(values: readonly number[]): Pick<TrialGroup, 'mean' | 'sd'> {
  if (values.length === 0) return { mean: undefined, sd: undefined }
  const mean = values.reduce((sum, value) => sum + value, 0) / values.length
  if (values.length < 2) return { mean, sd: undefined }
  const squares = values.reduce((sum, value) => sum + (value - mean) ** 2, 0)
  return { mean, sd: Math.sqrt(squares / (values.length - 1)) }
}

function bestOf(trials: readonly TrialResult[], metric: SweepMetric): TrialResult | undefined {
  return trials.reduce<TrialResult | undefined>((best, trial) => {
    if (trial.value === undefined) return best
    return best?.value === undefined || isBetter(trial.value, best.value, metric) ? trial : best
  }, undefined)
}

import { RUN_FILES } from '../record.ts'
import { configDiff, isNaming, type ConfigDiff } from './config.ts'
import { isClean, joinData, type DataDiff } from './data.ts'
import { environmentDiff, type EnvironmentDiff } from './environment.ts'
import { metricsDiff, type MetricDiff } from './metrics.ts'
import { predictionDiff, type PredictionDiff } from './predictions.ts'
import type { Side } from './side.ts'
import { stagesDiff, type StageDiff } from './stages.ts'
import { verdict } from './verdict.ts'

/** Why one run is not the other: a section for each thing that can differ. Undefined: one of the sides has nothing of it. */
export interface RunDiff {
  readonly a: Side
  readonly b: Side
  readonly verdict: string
  readonly metrics: readonly MetricDiff[]
  readonly config: readonly ConfigDiff[] | undefined
  readonly data: DataDiff | undefined
  readonly stages: readonly StageDiff[] | undefined
  readonly environment: readonly EnvironmentDiff[]
  readonly predictions: PredictionDiff | undefined
  /** What is missing, and what is not known because of it. */
  readonly notes: readonly string[]
  /** No section has anything that differs. */
  readonly same: boolean
}

/** Compares two sides; `all` keeps what is equal, and name, notes and tags. */
export function diffSides(a: Side, b: Side, { all = false } = {}): RunDiff {
  const join = joinData(a, b)
  const { diff: data, isSame } = join
  const predictions = predictionDiff(a, b, join)
  const answers = predictions?.splits ?? []
  const metrics = a.record && b.record ? metricsDiff(a, b, answers) : []
  const environment = a.record && b.record ? environmentDiff(a.record, b.record) : []
  const stages = a.stages && b.stages && stagesDiff(a.stages, b.stages)
  const config = a.config && b.config && configDiff(a.config, b.config)
  const said = config?.filter((row) => !isNaming(row)) ?? []
  const others = predictions?.flips.filter(({ change }) => change === 'other').length ?? 0
  const same =
    [...metrics, ...said, ...(stages ?? []), ...environment].every((row) => row.same) &&
    (predictions?.flips.length ?? 0) === 0 &&
    (data?.splits.every(isClean) ?? true)
  const isWhyKnown = (stages ?? []).every(({ changes }) => changes !== undefined)
  const notes = [
    ...notesOf('A', a),
    ...notesOf('B', b),
    ...missing(a, b, data === undefined),
    ...(isWhyKnown
      ? []
      : ['this store does not have what stages were made of: why they differ is not known']),
  ]
  const kept = <Row extends { readonly same: boolean }>(rows: readonly Row[]) =>
    all ? rows : rows.filter((row) => !row.same)
  return {
    a,
    b,
    verdict: verdict(a, b, {
      metrics,
      config,
      answers,
      isSame,
      data,
      others,
      same,
      isKnown: notes.length === 0,
    }),
    metrics: kept(metrics),
    config: config && (all ? config : kept(said)),
    data: data && { ...data, splits: data.splits.filter((split) => all || !isClean(split)) },
    stages: stages && kept(stages),
    environment: kept(environment),
    predictions,
    notes,
    same,
  }
}

function notesOf(name: string, { notes }: Side): string[] {
  return notes.map((note) => `${name}: ${note}`)
}

/** Lists of pictures and predictions stay out of git, so a clone has none. */
function missing(a: Side, b: Side, isDataUnknown: boolean): string[] {
  const lacks = (file: 'index' | 'predictions') =>
    [a, b].flatMap((side, i) => (side.record && side[file] === undefined ? ['AB'[i]!] : []))
  const note = (names: readonly string[], file: string, unknown: string) =>
    names.length === 0 ? [] : [`${names.join(' and ')} without ${file}: ${unknown} is not known`]
  return [
    ...(isDataUnknown ? note(lacks('index'), RUN_FILES.index, 'which pictures differ') : []),
    ...note(lacks('predictions'), RUN_FILES.predictions, 'which pictures flipped'),
  ]
}

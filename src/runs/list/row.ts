import type { Figures, RunRecord } from '../record.ts'

/** What a list tells of a run: its record without what only a single run's page has room for. */
export interface RunRow extends Pick<
  RunRecord,
  | 'name'
  | 'id'
  | 'status'
  | 'started'
  | 'seconds'
  | 'pipeline'
  | 'seed'
  | 'engine'
  | 'metrics'
  | 'parameters'
  | 'tags'
  | 'notes'
> {
  /** How many were trained. */
  readonly epochs: number
  readonly git?: { readonly commit: string; readonly dirty: boolean } | undefined
}

/** Of a record that may lack what records of before did not have. */
export function rowOf(record: RunRecord): RunRow {
  const { name, id, status, started, seconds, pipeline, seed, engine, metrics } = record
  const { parameters, tags, notes, epochs, environment }: Partial<RunRecord> = record
  return {
    ...{ name, id, status, started, seconds, pipeline, seed, engine, metrics },
    parameters: parameters ?? { total: 0, trainable: 0 },
    ...(tags ? { tags } : {}),
    ...(notes === undefined ? {} : { notes }),
    epochs: epochs?.length ?? 0,
    ...(environment?.['git'] ? { git: environment['git'] as unknown as RunRow['git'] } : {}),
  }
}

/** The split that a run is judged by where none is named: test, else the last that was evaluated. */
export function shownSplit(metrics: RunRow['metrics']): string | undefined {
  return metrics['test'] ? 'test' : Object.keys(metrics).at(-1)
}

/** `validation.accuracy`, or short `accuracy` of the shown split. */
export function metricOf(metrics: RunRow['metrics'], name: string): number | undefined {
  const [split, metric] = name.includes('.') ? name.split('.', 2) : [shownSplit(metrics), name]
  const figures: Figures | undefined = metrics[split ?? '']
  return figures !== undefined && Object.hasOwn(figures, metric!) ? figures[metric!] : undefined
}

import { readRuns, runsRoot, type StoredRun } from '../runs/read.ts'
import type { Json } from '../util/json.ts'
import { metricText } from '../util/text.ts'
import type { CommandRun } from './command.ts'
import { formatOf } from './plan.ts'
import { tableText, type Column } from './table-text.ts'

export interface LsFlags {
  readonly runs?: string
  readonly json?: boolean
  readonly md?: boolean
  readonly csv?: boolean
}

/** `pipeline ls`: the runs, newest first. */
export const run: CommandRun = async ([given], options, { stdout, env, cwd }) => {
  const flags: LsFlags = options
  const names = (given ?? []) as readonly string[]
  const root = runsRoot(flags.runs, env, cwd)
  const runs = readRuns(root)
    .filter(({ record }) => names.length === 0 || names.includes(record.name))
    .reverse()
  if (flags.json) {
    stdout.write(`${JSON.stringify(runs.map(runJson), null, 2)}\n`)
    return
  }
  if (runs.length === 0) {
    stdout.write(`no runs in ${root}\n`)
    return
  }
  stdout.write(tableText(COLUMNS, runs, formatOf(flags)))
}

const COLUMNS: readonly Column<StoredRun>[] = [
  { title: 'name', value: ({ record }) => record.name },
  { title: 'id', value: ({ record }) => record.id },
  { title: 'status', value: ({ record }) => record.status },
  { title: 'split', value: ({ record }) => shownSplit(record.metrics) ?? '' },
  { title: 'accuracy', right: true, value: ({ record }) => figure(record.metrics, 'accuracy') },
  { title: 'loss', right: true, value: ({ record }) => figure(record.metrics, 'loss') },
  { title: 'engine', value: ({ record }) => record.engine?.name ?? '' },
]

function runJson({ record }: StoredRun): Json {
  const { name, id, status, started, seconds, metrics, engine } = record
  return {
    name,
    id,
    status,
    started,
    seconds,
    metrics: metrics as Json,
    engine: engine?.name ?? null,
  }
}

/** The test split, else the last that was evaluated. */
function shownSplit(metrics: StoredRun['record']['metrics']): string | undefined {
  return metrics['test'] ? 'test' : Object.keys(metrics).at(-1)
}

function figure(metrics: StoredRun['record']['metrics'], name: string): string {
  const value = metrics[shownSplit(metrics) ?? '']?.[name]
  return value === undefined ? '' : metricText(value)
}

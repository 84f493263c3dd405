import { listRuns } from '../runs/list/list.ts'
import { metricOf, shownSplit, type RunRow } from '../runs/list/row.ts'
import { runsRoot } from '../runs/read.ts'
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
  const runs = listRuns(root)
    .filter(({ row }) => names.length === 0 || names.includes(row.name))
    .map(({ row }) => row)
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

const COLUMNS: readonly Column<RunRow>[] = [
  { title: 'name', value: ({ name }) => name },
  { title: 'id', value: ({ id }) => id },
  { title: 'status', value: ({ status }) => status },
  { title: 'split', value: ({ metrics }) => shownSplit(metrics) ?? '' },
  { title: 'accuracy', right: true, value: ({ metrics }) => figure(metrics, 'accuracy') },
  { title: 'loss', right: true, value: ({ metrics }) => figure(metrics, 'loss') },
  { title: 'engine', value: ({ engine }) => engine?.name ?? '' },
]

function runJson({ name, id, status, started, seconds, metrics, engine }: RunRow): Json {
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

function figure(metrics: RunRow['metrics'], name: string): string {
  const value = metricOf(metrics, name)
  return value === undefined ? '' : metricText(value)
}

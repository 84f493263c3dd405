import { readRuns, runsRoot, type StoredRun } from '../runs/read.ts'
import type { Json } from '../util/json.ts'
import { metricText } from '../util/text.ts'
import type { CommandContext } from './context.ts'
import { formatOf } from './plan.ts'
import { tableText } from './screen/table.ts'

export interface LsFlags {
  readonly runs?: string
  readonly json?: boolean
  readonly md?: boolean
  readonly csv?: boolean
}

/** `pipeline ls`: the runs, newest first. */
export async function run(
  names: readonly string[],
  flags: LsFlags,
  { stdout, env, cwd }: CommandContext,
): Promise<void> {
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
  const rows = runs.map(({ record }) => [
    record.name,
    record.id,
    record.status,
    ...bestFigures(record.metrics),
    record.engine?.name ?? '',
  ])
  const headings = ['name', 'id', 'status', 'split', 'accuracy', 'loss', 'engine']
  stdout.write(tableText(headings, rows, formatOf(flags)))
}

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

/** The figures of the test split, else of the last that was evaluated. */
function bestFigures(metrics: StoredRun['record']['metrics']): string[] {
  const split = metrics['test'] ? 'test' : Object.keys(metrics).at(-1)
  const figures = split === undefined ? undefined : metrics[split]
  const text = (value: number | undefined) => (value === undefined ? '' : metricText(value))
  return [split ?? '', text(figures?.['accuracy']), text(figures?.['loss'])]
}

import { join, relative } from 'node:path'
import { columnOf, sorted, testOf } from '../runs/list/query.ts'
import {
  FIXED,
  openTable,
  type Column,
  type RunTable,
  type TableRun,
} from '../runs/list/columns.ts'
import { listRuns, TRASH, type ListedRun } from '../runs/list/list.ts'
import { runsRoot } from '../runs/read.ts'
import { failure } from '../util/diagnostic.ts'
import { globPattern } from '../util/glob.ts'
import type { Json } from '../util/json.ts'
import { plural } from '../util/text.ts'
import type { CommandRun } from './command.ts'
import { DEFAULT_KEYS, tableColumns } from './ls-columns.ts'
import { formatOf } from './plan.ts'
import { blocksText, leastWidth, tableText, tableWidth } from './table-text.ts'

export interface LsFlags {
  readonly runs?: string
  readonly filter?: readonly string[]
  readonly sort?: string
  readonly columns?: string
  readonly limit?: string
  readonly onlyChanged?: boolean
  readonly trash?: boolean
  readonly json?: boolean
  readonly md?: boolean
  readonly csv?: boolean
}

/** `pipeline ls`: the runs, newest first. */
export const run: CommandRun = async (names, options, { stdout, env, cwd }) => {
  const flags: LsFlags = options
  const runs = runsRoot(flags.runs, env, cwd)
  const root = flags.trash ? join(runs, TRASH) : runs
  const all = listRuns(root)
  const table = openTable(root, ofNames(all, names).reverse())
  const chosen = await chosenRuns(table, flags)
  const columns = await chosenColumns(table, chosen, flags)
  const format = formatOf(flags)
  if (flags.json) {
    const rows = chosen.map((one) => (isPlain(flags) ? runJson(one) : columnsJson(columns, one)))
    stdout.write(`${JSON.stringify(rows, null, 2)}\n`)
  } else if (chosen.length === 0 && format === 'text') {
    stdout.write(nothing(all, table, names, relative(cwd, root) || '.'))
  } else {
    const shown = tableColumns(columns, chosen, { format, isAsked: flags.columns !== undefined })
    const width = tableWidth(stdout)
    const isTooWide = format === 'text' && leastWidth(shown, chosen) > width
    stdout.write(isTooWide ? blocksText(shown, chosen) : tableText(shown, chosen, format, width))
  }
}

/** Nothing is said of columns: `--json` then tells what it always tells. */
const isPlain = ({ columns, onlyChanged }: LsFlags) => columns === undefined && !onlyChanged

function ofNames(runs: readonly ListedRun[], names: readonly string[]): ListedRun[] {
  const fits = names.map(globPattern)
  return names.length === 0
    ? [...runs]
    : runs.filter(({ row }) => fits.some((isOne) => isOne(row.name)))
}

async function chosenRuns(table: RunTable, flags: LsFlags): Promise<readonly TableRun[]> {
  const limit = limitOf(flags.limit)
  let runs = table.runs
  for (const filter of flags.filter ?? []) runs = runs.filter(await testOf(filter, table))
  if (flags.sort !== undefined) {
    const isDescending = flags.sort.startsWith('-')
    const key = flags.sort.slice(isDescending ? 1 : 0)
    runs = sorted(runs, await columnOf(key, '--sort', table), isDescending)
  }
  return runs.slice(0, limit)
}

function limitOf(limit: string | undefined): number | undefined {
  if (limit === undefined || /^\d{1,9}$/.test(limit))
    return limit === undefined ? limit : Number(limit)
  throw failure('USAGE', `--limit takes a whole number, got "${limit}"`, {
    hint: 'write it as in --limit 20',
  })
}

/** By key, in their order; `--columns +a,b` puts some behind those of always. */
async function chosenColumns(
  table: RunTable,
  runs: readonly TableRun[],
  { columns, onlyChanged }: LsFlags,
): Promise<ReadonlyMap<string, Column>> {
  const given = (columns ?? '').replace(/^\+/, '').split(',')
  const written = given.map((key) => key.trim()).filter((key) => key !== '')
  if (columns !== undefined && written.length === 0) {
    throw failure('USAGE', '--columns takes names of columns, got none', {
      hint: 'write it as in --columns name,id,accuracy,optimizer.learningRate',
    })
  }
  const isAlone = columns !== undefined && !columns.startsWith('+')
  const keys = isAlone ? written : [...DEFAULT_KEYS, ...written]
  const chosen = new Map<string, Column>()
  for (const key of keys) chosen.set(key, await columnOf(key, '--columns', table))
  if (!isAlone && !onlyChanged && !runs.some((one) => hasTags(chosen, one))) chosen.delete('tags')
  if (!onlyChanged) return chosen
  if (!isAlone) {
    const changed = await table.changedSettings(runs)
    for (const key of changed) chosen.set(key, await columnOf(key, '--columns', table))
  }
  return new Map([...chosen].filter(([key, column]) => ALWAYS.has(key) || differs(column, runs)))
}

/** What tells which run a row is stays in a table of what differs. */
const ALWAYS = new Set(['name', 'id'])

function hasTags(columns: ReadonlyMap<string, Column>, one: TableRun): boolean {
  const tags = columns.get('tags')?.of(one)
  return Array.isArray(tags) && tags.length > 0
}

function differs(column: Column, runs: readonly TableRun[]): boolean {
  return new Set(runs.map((one) => JSON.stringify(column.of(one)))).size > 1
}

function runJson({ row, marks }: TableRun): Json {
  const { name, id, status, started, seconds, metrics, engine } = row
  return {
    ...{ name, id, status, started, seconds },
    metrics: metrics as Json,
    engine: engine?.name ?? null,
    tags: FIXED['tags']!(row, marks) as Json,
    note: (FIXED['note']!(row, marks) ?? null) as Json,
  }
}

function columnsJson(columns: ReadonlyMap<string, Column>, one: TableRun): Json {
  return Object.fromEntries(
    [...columns].map(([key, column]) => [key, column.of(one) ?? null]) as [string, Json][],
  )
}

function nothing(
  all: readonly ListedRun[],
  table: RunTable,
  names: readonly string[],
  root: string,
): string {
  if (all.length === 0) return `no runs in ${root} yet: \`pipeline run FILE\` makes one\n`
  if (table.runs.length > 0) return `none of ${plural(table.runs.length, 'run')} fits\n`
  const known = [...new Set(all.map(({ row }) => row.name))].slice(-10)
  return `no runs of ${names.join(', ')} in ${root}; names there: ${known.join(', ')}\n`
}

import { globPattern } from '../../util/glob.ts'
import { byCodeUnit } from '../../util/json.ts'
import { closest } from '../../util/suggest.ts'
import { failure } from '../../util/diagnostic.ts'
import type { Column, RunTable, TableRun } from './columns.ts'
import { parseFilter, wrong, type Comparison, type Filter, type Word } from './filter.ts'
import type { Scalar, Value } from './settings.ts'

export type Test = (run: TableRun) => boolean

/** The filter as a test of a table's runs. Throws USAGE, with the place, for what is no filter and for keys that no run can have. */
export async function testOf(text: string, table: RunTable): Promise<Test> {
  const columns = new Map<string, Column>()
  const filter = parseFilter(text)
  for (const key of keysIn(filter)) {
    const column = await table.column(key.text)
    if (!column) throw wrong(text, key.at, ...(await unknown(key.text, table)))
    columns.set(key.text, column)
  }
  return compile(filter, columns)
}

/** The column of `--columns` or `--sort`. Throws USAGE. */
export async function columnOf(key: string, option: string, table: RunTable): Promise<Column> {
  const column = await table.column(key)
  if (column) return column
  const [message, hint] = await unknown(key, table)
  throw failure('USAGE', `${option}: ${message}`, { hint })
}

async function unknown(key: string, table: RunTable): Promise<[message: string, hint: string]> {
  const keys = await table.keys()
  const ends = keys.filter((path) => path.endsWith(`.${key}`))
  if (ends.length > 1)
    return [`"${key}" means ${ends.length} keys`, `write one of ${ends.join(', ')}`]
  const shorts = keys.map((path) => path.slice(path.lastIndexOf('.') + 1))
  const guess = closest(key, new Set([...keys, ...shorts]))
  return [
    `unknown key "${key}"${guess === undefined ? '' : `; did you mean "${guess}"?`}`,
    'keys are name, id, status, started, seconds, engine, tags, note, metrics (accuracy, validation.loss) and settings (optimizer.learningRate): see docs/runs.md',
  ]
}

function keysIn(filter: Filter): Word[] {
  if ('parts' in filter) return filter.parts.flatMap(keysIn)
  return 'part' in filter ? keysIn(filter.part) : [filter.key]
}

function compile(filter: Filter, columns: ReadonlyMap<string, Column>): Test {
  if ('parts' in filter) {
    const tests = filter.parts.map((part) => compile(part, columns))
    return filter.op === 'and'
      ? (run) => tests.every((test) => test(run))
      : (run) => tests.some((test) => test(run))
  }
  if ('part' in filter) {
    const test = compile(filter.part, columns)
    return (run) => !test(run)
  }
  const column = columns.get(filter.key.text)!
  if (filter.op === 'is') return (run) => isSomething(column.of(run))
  const compares = comparison(filter.op, filter.value.text)
  return (run) => compares(column.of(run))
}

function isSomething(value: Value | undefined): boolean {
  if (value === undefined || value === false || value === '' || value === 'none') return false
  return !Array.isArray(value) || value.length > 0
}

/** Of a list, one that fits is enough. What a run does not have fits nothing; != and !~ are the opposites of = and ~. */
function comparison(op: Comparison, text: string): (value: Value | undefined) => boolean {
  if (op === '!=' || op === '!~') {
    const fits = comparison(op === '!=' ? '=' : '~', text)
    return (value) => !fits(value)
  }
  const fits = scalarComparison(op, text)
  return (value) => {
    if (value === undefined) return false
    return typeof value === 'object' ? value.some(fits) : fits(value)
  }
}

function scalarComparison(
  op: Exclude<Comparison, '!=' | '!~'>,
  text: string,
): (value: Scalar) => boolean {
  if (op === '~') {
    const fits = globPattern(text)
    return (value) => fits(String(value))
  }
  const number = numberOf(text)
  const holds = HOLDS[op]
  return (value) => {
    if (typeof value !== 'number') return holds(byCodeUnit(String(value), text))
    return number !== undefined && holds(value - number)
  }
}

const HOLDS: Readonly<Record<'=' | '>' | '>=' | '<' | '<=', (difference: number) => boolean>> = {
  '=': (difference) => difference === 0,
  '>': (difference) => difference > 0,
  '>=': (difference) => difference >= 0,
  '<': (difference) => difference < 0,
  '<=': (difference) => difference <= 0,
}

/** `0.001`, `1e-3`, `1/255`. */
function numberOf(text: string): number | undefined {
  const [over, under = '1', ...more] = text.split('/')
  const value = Number(over) / Number(under)
  return over!.trim() === '' || under.trim() === '' || more.length > 0 || Number.isNaN(value)
    ? undefined
    : value
}

/** Stable; what has no value comes last either way, numbers stand before texts. */
export function sorted(
  runs: readonly TableRun[],
  column: Column,
  isDescending: boolean,
): TableRun[] {
  const sign = isDescending ? -1 : 1
  const keyed = runs.map((run) => ({ run, value: column.of(run) }))
  return keyed.sort((a, b) => order(a.value, b.value, sign)).map(({ run }) => run)
}

function order(a: Value | undefined, b: Value | undefined, sign: number): number {
  if (a === undefined || b === undefined) return Number(a === undefined) - Number(b === undefined)
  if (typeof a === 'number' && typeof b === 'number') return sign * (a - b)
  if (typeof a === 'number' || typeof b === 'number') return typeof a === 'number' ? -1 : 1
  return sign * byCodeUnit(String(a), String(b))
}

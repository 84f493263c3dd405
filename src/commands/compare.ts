import { compareSides } from '../runs/diff/compare.ts'
import { sideOfRun, type Side } from '../runs/diff/side.ts'
import { listRuns } from '../runs/list/list.ts'
import { findRun, readRun, runsRoot, type StoredRun } from '../runs/read.ts'
import { failure } from '../util/diagnostic.ts'
import type { CommandContext, CommandRun } from './command.ts'
import { formatOf } from './plan.ts'
import { comparisonColumns, comparisonJson } from './screen/compare.ts'
import { blocksText, leastWidth, tableText, tableWidth } from './table-text.ts'

export interface CompareFlags {
  readonly runs?: string
  readonly json?: boolean
  readonly md?: boolean
  readonly csv?: boolean
}

/** `pipeline compare RUN…`: a row a run, a column for each key that is not the same in all. */
export const run: CommandRun = async (references, options, context) => {
  const flags: CompareFlags = options
  const { stdout } = context
  const sides = sidesOf(references, flags, context)
  const comparison = compareSides(sides)
  if (flags.json) {
    stdout.write(`${JSON.stringify(comparisonJson(comparison), null, 2)}\n`)
    return
  }
  const format = formatOf(flags)
  const columns = comparisonColumns(comparison, format)
  const rows = [...sides.keys()]
  const width = tableWidth(stdout)
  const isTooWide = format === 'text' && leastWidth(columns, rows) > width
  stdout.write(isTooWide ? blocksText(columns, rows) : tableText(columns, rows, format, width))
}

/** Each run once; the name of runs stands for all of them. */
function sidesOf(
  references: readonly string[],
  flags: CompareFlags,
  { env, cwd }: CommandContext,
): Side[] {
  const root = runsRoot(flags.runs, env, cwd)
  const found = new Map<string, StoredRun>()
  for (const reference of references) {
    for (const run of runsOf(reference, root, cwd)) found.set(run.folder, run)
  }
  if (found.size === 0) throw failure('UNKNOWN_RUN', 'there is no run to compare')
  return [...found.values()].map((run) => sideOfRun(run, { cwd }))
}

function runsOf(reference: string, root: string, cwd: string): StoredRun[] {
  const named = listRuns(root).filter(({ row }) => row.name === reference)
  if (named.length === 0) return [findRun(reference, root, cwd)]
  return named.flatMap(({ folder }) => readRun(folder) ?? [])
}

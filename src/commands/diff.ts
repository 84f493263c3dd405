import { relative } from 'node:path'
import { diffSides } from '../runs/diff/diff.ts'
import { listRuns } from '../runs/list/list.ts'
import { runsRoot } from '../runs/read.ts'
import { failure } from '../util/diagnostic.ts'
import type { CommandContext, CommandRun } from './command.ts'
import { sideOf } from './diff-side.ts'
import { diffJson } from './screen/diff-json.ts'
import { diffMarkdown, diffText } from './screen/diff.ts'
import { tableWidth } from './table-text.ts'

export interface DiffFlags {
  readonly all?: boolean
  readonly exitCode?: boolean
  readonly precision?: string
  readonly runs?: string
  readonly store?: string
  readonly json?: boolean
  readonly md?: boolean
}

/** `pipeline diff [A] [B]`: why one is not like the other. */
export const run: CommandRun = async (given, options, context) => {
  const flags: DiffFlags = options
  const precision = precisionOf(flags)
  const { stdout } = context
  const [first, second] = references(given, flags, context)
  const a = await sideOf(first, flags, context)
  const b = await sideOf(second, flags, context)
  const diff = diffSides(a, b, { all: flags.all === true })
  const style = { precision, all: flags.all === true }
  if (flags.json) stdout.write(`${JSON.stringify(diffJson(diff), null, 2)}\n`)
  else if (flags.md) stdout.write(diffMarkdown(diff, style))
  else stdout.write(diffText(diff, style, tableWidth(stdout)))
  return flags.exitCode && !diff.same ? 1 : 0
}

/** None: the two newest runs. One: that one and the newest. */
function references(
  given: readonly string[],
  flags: DiffFlags,
  { env, cwd }: CommandContext,
): readonly [string, string] {
  const [a, b = '@latest'] = given
  if (a !== undefined) return [a, b]
  const root = runsRoot(flags.runs, env, cwd)
  const { length } = listRuns(root)
  if (length >= 2) return ['@-1', '@latest']
  throw failure('UNKNOWN_RUN', `there ${length === 1 ? 'is only one run' : 'are no runs'} here`, {
    hint: `\`pipeline run FILE\` makes one; runs are looked for in ${relative(cwd, root) || '.'}`,
  })
}

function precisionOf({ precision = '4' }: DiffFlags): number {
  if (/^(?:[0-9]|1[0-7])$/.test(precision)) return Number(precision)
  throw failure('USAGE', `--precision takes a whole number from 0 to 17, got ${precision}`)
}

import { runFinder } from './pipeline-file.ts'
import { loadFile } from '../pipeline/load.ts'
import { readSweep } from '../pipeline/sweep-block.ts'
import { runsRoot } from '../runs/read.ts'
import { PipelineError } from '../util/diagnostic.ts'
import type { Diagnostic } from '../util/diagnostic.ts'
import { plural } from '../util/text.ts'
import type { CommandContext, CommandRun } from './command.ts'

interface Verdict {
  readonly file: string
  readonly diagnostics: readonly Diagnostic[]
  /** With --strict: whether its pictures were there to be looked at. */
  readonly seen?: boolean
  /** Of a sweep. */
  readonly trials?: number
}

/** `pipeline validate FILE...`: a line for each good file on stdout, every problem of the others on stderr. */
export const run: CommandRun = async (files, options, context) => {
  const strict = options['strict'] === true
  const verdicts: Verdict[] = []
  for (const file of files) {
    verdicts.push(await judge(file, (options['set'] ?? []) as string[], strict, context))
  }
  const bad = (d: Diagnostic): boolean => strict || d.severity !== 'warning'
  const failed = verdicts.filter((v) => v.diagnostics.some(bad))
  if (options['json']) {
    context.stdout.write(
      `${JSON.stringify({ files: verdicts.map((v) => toJson(v, bad)) }, null, 2)}\n`,
    )
    return failed.length > 0 ? 2 : 0
  }
  for (const verdict of verdicts) {
    if (failed.includes(verdict)) continue
    const count = verdict.diagnostics.length
    const warnings = count === 0 ? '' : ` (${count} ${count === 1 ? 'warning' : 'warnings'})`
    const unseen =
      verdict.seen === false ? '; its pictures are not here and were not looked at' : ''
    const trials = verdict.trials === undefined ? '' : `, ${plural(verdict.trials, 'trial')}`
    context.stdout.write(`${verdict.file}: valid${trials}${warnings}${unseen}\n`)
  }
  const diagnostics = verdicts.flatMap((v) => v.diagnostics)
  if (diagnostics.length > 0) context.report(diagnostics)
  return failed.length > 0 ? 2 : 0
}

async function judge(
  file: string,
  set: readonly string[],
  strict: boolean,
  context: CommandContext,
): Promise<Verdict> {
  try {
    const { env, cwd } = context
    const given = { set, env, cwd, findRun: runFinder({}, { env, cwd }) }
    const block = await readSweep(file, given)
    if (block) {
      const { openSweep } = await import('../sweeps/sweep.ts')
      const sweep = await openSweep(file, block, { ...given, runs: runsRoot(undefined, env, cwd) })
      return { file, diagnostics: sweep.warnings, trials: sweep.trials.length }
    }
    const { warnings } = await loadFile(file, given)
    if (!strict) return { file, diagnostics: warnings }
    const { pictureFindings } = await import('./pictures.ts')
    const { seen, diagnostics } = await pictureFindings(file, set, context)
    return { file, diagnostics: [...warnings, ...diagnostics], seen }
  } catch (error) {
    if (!(error instanceof PipelineError)) throw error
    return { file, diagnostics: error.diagnostics }
  }
}

function toJson({ file, diagnostics }: Verdict, bad: (d: Diagnostic) => boolean): object {
  const list = diagnostics.map(({ severity = 'error', ...rest }) => ({ severity, ...rest }))
  return { file, valid: !diagnostics.some(bad), diagnostics: list }
}

import { existsSync } from 'node:fs'
import { relative, resolve } from 'node:path'
import { readSweep } from '../pipeline/sweep-block.ts'
import { runsRoot } from '../runs/read.ts'
import { readDefinition, readSweeps, type StoredSweep } from '../sweeps/definition.ts'
import { sweepResults } from '../sweeps/results.ts'
import {
  frozenReader,
  readFrozen,
  rememberingReader,
  type Frozen,
} from '../sweeps/submit/frozen.ts'
import type { Sweep } from '../sweeps/sweep.ts'
import { stateOf } from '../sweeps/trial-state.ts'
import { countOthers, readFolders, withSuggested, workersAlive } from '../sweeps/trials.ts'
import { work } from '../sweeps/worker.ts'
import { exitCode, failure, PipelineError } from '../util/diagnostic.ts'
import type { CommandContext, CommandRun } from './command.ts'
import { defaultJobs, overrides } from './pipeline-file.ts'
import { openSweepFile, workOptions } from './run-sweep.ts'
import { formatOf } from './plan.ts'
import type { SubmitFlags } from './sweep-submit.ts'
import { openSweepPrinter } from './screen/sweep-printer.ts'
import { sweepJson, sweepTable, sweepText } from './screen/sweep-result.ts'
import { tableText, tableWidth, type Column } from './table-text.ts'

export interface Flags extends SubmitFlags {
  readonly md?: boolean
  readonly csv?: boolean
}

/** `pipeline sweep ls|show|worker|submit`. */
export const run: CommandRun = async ([action, given], options, context) => {
  const flags: Flags = options
  if (action === 'ls') return list(flags, context)
  if (given === undefined) {
    throw failure('USAGE', `sweep ${action} takes a pipeline file`, {
      hint: '`pipeline sweep ls` lists the sweeps that there are',
    })
  }
  const asked = meant(given, flags, context)
  const { sweep, files } = await openAsked(asked, context)
  if (action === 'worker') return worker(sweep, asked, context)
  if (action === 'show') return show(sweep, asked.file, flags, context)
  const { submit } = await import('./sweep-submit.ts')
  await submit(sweep, { file: asked.file, files }, asked.flags, context)
  return 0
}

interface Asked {
  readonly file: string
  readonly flags: Flags
  /** What was submitted, as it was then. */
  readonly frozen?: Frozen | undefined
}

/** A file, or what was submitted of one, or the name of a sweep that was run: its file then, with the flags that it was run with. */
function meant(given: string, flags: Flags, { env, cwd }: CommandContext): Asked {
  const runs = runsRoot(flags.runs, env, cwd)
  const frozen = readFrozen(given, cwd)
  if (frozen) return { file: frozen.file, flags: { ...flags, ...laidOver(frozen, flags) }, frozen }
  const known = existsSync(resolve(cwd, given)) ? undefined : readDefinition(runs, given)
  if (!known) return { file: given, flags }
  const file = relative(cwd, resolve(runs, known.file))
  const name = flags.name ?? known.name
  return { file, flags: { ...flags, name, ...laidOver(known, flags) } }
}

function laidOver(known: Pick<Frozen, 'set' | 'sweep'>, { set = [], sweep = [] }: Flags) {
  return { set: [...known.set, ...set], sweep: [...known.sweep, ...sweep] }
}

/** The sweep, and every file that was read of it. */
async function openAsked({ file, flags, frozen }: Asked, context: CommandContext) {
  const { env, cwd } = context
  const { read, files } = rememberingReader(cwd, frozen && frozenReader(frozen, cwd))
  const block = await readSweep(file, { set: overrides(flags), sweep: flags.sweep, env, cwd, read })
  if (!block) {
    throw failure('USAGE', `${file} has no sweep`, { hint: 'add one, or write --sweep a.b=v,w' })
  }
  const opened = await openSweepFile(file, block, flags, context, read)
  return { sweep: await withSuggested(opened), files: files() }
}

function show(sweep: Sweep, file: string, flags: Flags, { stdout, cwd, program }: CommandContext) {
  const results = sweepResults(sweep, readFolders(sweep))
  const asked = { cwd, file, program, width: tableWidth(stdout), alive: workersAlive(sweep) }
  const format = formatOf(flags)
  if (flags.json) stdout.write(`${JSON.stringify(sweepJson(sweep, results, asked), null, 2)}\n`)
  else if (format !== 'text') stdout.write(sweepTable(results, format))
  else stdout.write(sweepText(sweep, results, { ...asked, others: countOthers(sweep) }))
  return 0
}

const COLUMNS: readonly Column<StoredSweep>[] = [
  { title: 'sweep', value: ({ definition }) => definition.name },
  { title: 'file', extra: 1, value: ({ definition }) => definition.file },
  { title: 'method', value: ({ definition }) => definition.method },
  { title: 'judged by', value: ({ definition }) => definition.metric.name },
  { title: 'trials', right: true, value: ({ counts }) => String(total(counts)) },
  { title: 'done', right: true, value: ({ counts }) => String(counts.done) },
  { title: 'failed', right: true, value: ({ counts }) => String(counts.failed) },
  { title: 'running', right: true, extra: 2, value: ({ counts }) => String(counts.running) },
]

function total(counts: StoredSweep['counts']): number {
  return Object.values(counts).reduce((sum, count) => sum + count, 0)
}

/** The sweeps of the folder of runs, with all trials that were ever tried. */
function list(flags: Flags, { stdout, env, cwd }: CommandContext): number {
  const runs = runsRoot(flags.runs, env, cwd)
  const sweeps = readSweeps(runs)
  if (flags.json) {
    const rows = sweeps.map(({ definition, counts }) => {
      const { name, file, method, metric } = definition
      return { name, file, method, metric, trials: total(counts), ...counts }
    })
    stdout.write(`${JSON.stringify(rows, null, 2)}\n`)
  } else if (sweeps.length === 0) stdout.write(`no sweeps in ${runs}\n`)
  else stdout.write(tableText(COLUMNS, sweeps, formatOf(flags), tableWidth(stdout)))
  return 0
}

/** Takes part in a sweep that another process has begun, until no trial is left; one of a cluster does not wait for others. */
async function worker(sweep: Sweep, { flags, frozen }: Asked, context: CommandContext) {
  const printer = await openSweepPrinter(flags.log ?? 'plain', context.stderr, context.env, sweep)
  const signal = AbortSignal.any([context.signal, parentGone()])
  try {
    await work(sweep, {
      ...workOptions(flags, context),
      signal,
      jobs: defaultJobs(),
      leavesRest: frozen !== undefined,
      only: flags.only === 'failed' ? failedTrials(sweep) : undefined,
      emit: printer.event,
    })
    return 0
  } catch (error) {
    if (!(error instanceof PipelineError) || flags.log !== 'json') throw error
    printer.event({ type: 'workerFailed', diagnostics: error.diagnostics })
    return exitCode(error)
  } finally {
    printer.close()
  }
}

function failedTrials(sweep: Sweep): ReadonlySet<string> {
  const folders = [...readFolders(sweep).values()]
  return new Set(folders.filter((f) => stateOf(f).status === 'failed').map(({ id }) => id))
}

/** A worker of a process that is gone stops as at a signal. */
function parentGone(): AbortSignal {
  const controller = new AbortController()
  process.once('disconnect', () => {
    controller.abort(new DOMException('interrupted', 'AbortError'))
  })
  return controller.signal
}

/** A sweep as its file is now, for who reads it: by the file, or by the name of a sweep that was run. */
export async function openNamedSweep(
  given: string,
  flags: Flags,
  context: CommandContext,
): Promise<{ readonly sweep: Sweep; readonly file: string; readonly flags: Flags }> {
  const asked = meant(given, flags, context)
  const { sweep } = await openAsked(asked, context)
  return { sweep, file: asked.file, flags: asked.flags }
}

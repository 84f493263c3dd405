import { readSweep } from '../pipeline/sweep-block.ts'
import { sweepResults } from '../sweeps/results.ts'
import type { Sweep } from '../sweeps/sweep.ts'
import { stateOf } from '../sweeps/trial-state.ts'
import { countOthers, readFolders, withSuggested } from '../sweeps/trials.ts'
import { work } from '../sweeps/worker.ts'
import { exitCode, failure, PipelineError } from '../util/diagnostic.ts'
import type { CommandContext, CommandRun } from './command.ts'
import { defaultJobs, overrides } from './pipeline-file.ts'
import { openSweepFile, workOptions, type SweepFlags } from './run-sweep.ts'
import { formatOf } from './plan.ts'
import { openSweepPrinter } from './screen/sweep-printer.ts'
import { sweepJson, sweepTable, sweepText } from './screen/sweep-result.ts'
import { tableWidth } from './table-text.ts'

interface Flags extends SweepFlags {
  readonly md?: boolean
  readonly csv?: boolean
}

/** `pipeline sweep show|worker FILE`. */
export const run: CommandRun = async ([action, file], options, context) => {
  const flags: Flags = options
  const { env, cwd } = context
  const given = { set: overrides(flags), sweep: flags.sweep, env, cwd }
  const block = await readSweep(String(file), given)
  if (!block) {
    throw failure('USAGE', `${file} has no sweep`, { hint: 'add one, or write --sweep a.b=v,w' })
  }
  const opened = await openSweepFile(String(file), block, flags, context)
  const sweep = await withSuggested(opened)
  if (action === 'worker') return worker(sweep, flags, context)
  const { stdout, program } = context
  const results = sweepResults(sweep, readFolders(sweep))
  const asked = { cwd, file: String(file), program, width: tableWidth(stdout) }
  const format = formatOf(flags)
  if (flags.json) stdout.write(`${JSON.stringify(sweepJson(sweep, results, asked), null, 2)}\n`)
  else if (format !== 'text') stdout.write(sweepTable(results, format))
  else stdout.write(sweepText(sweep, results, { ...asked, others: countOthers(sweep) }))
  return 0
}

/** Takes part in a sweep that another process has begun, until no trial is left. */
async function worker(sweep: Sweep, flags: Flags, context: CommandContext): Promise<number> {
  const printer = await openSweepPrinter(flags.log ?? 'plain', context.stderr, context.env, sweep)
  const signal = AbortSignal.any([context.signal, parentGone()])
  try {
    await work(sweep, {
      ...workOptions(flags, context),
      signal,
      jobs: defaultJobs(),
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

import { predictionsOf } from '../runs/predictions.ts'
import type { AnyPrepared } from '../runs/prepare.ts'
import { readSweep } from '../pipeline/sweep-block.ts'
import { runsRoot } from '../runs/read.ts'
import { runPipeline } from '../runs/run.ts'
import { failure } from '../util/diagnostic.ts'
import type { CommandRun } from './command.ts'
import { jobsOf, overrides, prepareFile, storeOptions, type RunFlags } from './pipeline-file.ts'
import { openPrinter, type LogStyle } from './screen/printer.ts'
import { resultJson, resultText } from './screen/result.ts'
import { tableWidth } from './table-text.ts'

export interface RunCommandFlags extends RunFlags {
  readonly restart?: boolean
  readonly tensorboard?: boolean
  readonly log?: LogStyle
  readonly json?: boolean
  readonly dryRun?: boolean
  readonly sweep?: readonly string[]
  readonly only?: 'failed'
}

/** `pipeline run FILE`: executes what is missing and prints the result. */
export const run: CommandRun = async ([argument], options, context) => {
  const file = String(argument)
  const flags: RunCommandFlags = options
  if (flags.dryRun) return (await import('./plan.ts')).plan(file, flags, context)
  const { cwd, env, signal, stdout, stderr, program } = context
  const block = await readSweep(file, { set: overrides(flags), sweep: flags.sweep, env, cwd })
  if (block) return (await import('./run-sweep.ts')).runSweep(file, block, flags, context)
  if (flags.only) throw failure('USAGE', '--only is about the trials of a sweep')
  const prepared = await prepareFile(file, flags, context, { pin: true })
  const printer = await openPrinter(flags.log ?? 'auto', stderr, env)
  for (const diagnostic of prepared.warnings) printer.event({ type: 'warning', diagnostic })
  const stopping = () =>
    printer.event({ type: 'note', message: 'stopping; a second signal ends it at once' })
  signal.addEventListener('abort', stopping, { once: true })
  const began = performance.now()
  const ended = (status: 'done' | 'failed' | 'interrupted') =>
    printer.event({ type: 'runDone', status, seconds: (performance.now() - began) / 1000 })
  try {
    const outcome = await runPipeline(prepared, {
      ...storeOptions(flags, context),
      runs: runsRoot(flags.runs, env, cwd),
      cwd,
      jobs: jobsOf(flags),
      force: flags.force ?? [],
      noCache: flags.cache === false,
      restart: flags.restart ?? false,
      tensorboard: flags.tensorboard ?? false,
      signal,
      emit: (event) => printer.event(event),
    })
    ended('done')
    printer.close()
    const { record, folder, again } = outcome
    const next = [
      `${program} show ${record.name}@latest`,
      `${program} run ${file} --set ${change(prepared)}`,
    ]
    const predictions = await predictionsOf(outcome)
    stdout.write(
      flags.json
        ? `${JSON.stringify(resultJson(record, folder, { cwd, predictions }), null, 2)}\n`
        : resultText(record, folder, { cwd, again, next, width: tableWidth(stdout), predictions }),
    )
  } catch (error) {
    ended(signal.aborted ? 'interrupted' : 'failed')
    throw error
  } finally {
    signal.removeEventListener('abort', stopping)
    printer.close()
  }
}

/** Twice the epochs, of the last phase where there are some; without training another number of labels. */
function change(prepared: AnyPrepared): string {
  if ('prediction' in prepared) {
    return `prediction.top=${prepared.prediction.prediction.top === 1 ? 5 : 1}`
  }
  const { epochs, phases } = prepared.pipeline.training
  const last = phases?.at(-1)
  if (!last) return `training.epochs=${2 * epochs}`
  return `training.phases.${phases!.length - 1}.epochs=${2 * last.epochs}`
}

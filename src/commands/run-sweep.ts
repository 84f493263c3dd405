import { fileURLToPath } from 'node:url'
import type { ReadText } from '../pipeline/compose.ts'
import type { SweepBlock } from '../pipeline/sweep-block.ts'
import { prepare } from '../runs/prepare.ts'
import { runsRoot } from '../runs/read.ts'
import { writeDefinition } from '../sweeps/definition.ts'
import { countOthers } from '../sweeps/trials.ts'
import { findGpus } from '../sweeps/gpus.ts'
import { openSweep, type Sweep } from '../sweeps/sweep.ts'
import { runSweep as runAll } from '../sweeps/run-sweep.ts'
import { failure } from '../util/diagnostic.ts'
import { plural } from '../util/text.ts'
import type { CommandContext } from './command.ts'
import { defaultJobs, jobsOf, overrides, runFinder, storeOptions } from './pipeline-file.ts'
import type { RunCommandFlags } from './run.ts'
import { openSweepPrinter } from './screen/sweep-printer.ts'
import { sweepJson, sweepText } from './screen/sweep-result.ts'
import { tableWidth } from './table-text.ts'

export type SweepFlags = RunCommandFlags

/** `pipeline run FILE` of a file with a sweep: what is missing of its trials. 1 where one has failed. */
export async function runSweep(
  file: string,
  block: SweepBlock,
  flags: SweepFlags,
  context: CommandContext,
): Promise<number> {
  const { cwd, env, signal, stdout, stderr, program } = context
  const sweep = await openSweepFile(file, block, flags, context)
  const printer = await openSweepPrinter(flags.log ?? 'auto', stderr, env, sweep)
  for (const diagnostic of sweep.warnings) printer.event({ type: 'warning', diagnostic })
  const stopping = () =>
    printer.event({ type: 'note', message: 'stopping; a second signal ends it at once' })
  signal.addEventListener('abort', stopping, { once: true })
  const began = performance.now()
  const end = (status: 'done' | 'failed' | 'interrupted') =>
    printer.event({ type: 'sweepDone', status, seconds: (performance.now() - began) / 1000 })
  try {
    const gpus = await usedGpus(sweep, context, flags)
    const given = { set: overrides(flags), sweep: flags.sweep ?? [], cwd }
    await writeDefinition(sweep, given)
    const {
      sweep: ended,
      results,
      before,
      best,
    } = await runAll(sweep, {
      ...workOptions(flags, context),
      workers: flags.jobs === undefined ? Math.max(1, gpus.length) : jobsOf(flags),
      gpus,
      stageJobs: defaultJobs(),
      onlyFailed: flags.only === 'failed',
      workerCommand: workerCommand(file, flags),
      emit: printer.event,
    })
    const failed = results.trials.filter(({ status }) => status === 'failed').length
    end(failed > 0 ? 'failed' : 'done')
    printer.close()
    const options = { cwd, file, program, before, best, width: tableWidth(stdout) }
    stdout.write(
      flags.json
        ? `${JSON.stringify(sweepJson(ended, results, options), null, 2)}\n`
        : sweepText(ended, results, { ...options, others: countOthers(ended) }),
    )
    if (failed === 0) return 0
    const first = results.trials.find(({ failure }) => failure)!.failure!
    throw failure('STAGE_FAILED', `${plural(failed, 'trial')} failed: ${first.message}`, {
      hint: `\`${program} run ${file}\` tries again what has failed, --only failed nothing else`,
    })
  } catch (error) {
    if (signal.aborted) end('interrupted')
    throw error
  } finally {
    signal.removeEventListener('abort', stopping)
    printer.close()
  }
}

/** The GPUs that trials run on: none where the engine that the file asks for runs on the CPU. */
async function usedGpus(
  { trials }: Sweep,
  { env, cwd }: CommandContext,
  flags: SweepFlags,
): Promise<readonly string[]> {
  const gpus = findGpus(env)
  const [first] = trials
  if (gpus.length < 2 || !first) return []
  const options = { runs: runsRoot(flags.runs, env, cwd), offline: true, pin: false }
  const { engine } = await prepare(first.loaded, options)
  // One that the file names is the same for all.
  return engine.device === 'gpu' ? gpus : []
}

export function openSweepFile(
  file: string,
  block: SweepBlock,
  flags: SweepFlags,
  { env, cwd }: Pick<CommandContext, 'env' | 'cwd'>,
  read?: ReadText,
): Promise<Sweep> {
  return openSweep(file, block, {
    set: overrides(flags),
    read,
    env,
    cwd,
    name: flags.name,
    runs: runsRoot(flags.runs, env, cwd),
    findRun: runFinder(flags, { env, cwd }),
  })
}

/** How a trial is run. */
export function workOptions(flags: SweepFlags, context: CommandContext) {
  const { cwd, env, signal } = context
  return {
    ...storeOptions(flags, context),
    runs: runsRoot(flags.runs, env, cwd),
    cwd,
    force: flags.force ?? [],
    noCache: flags.cache === false,
    restart: flags.restart ?? false,
    tensorboard: flags.tensorboard ?? false,
    offline: flags.offline ?? false,
    verbose: flags.verbose ?? false,
    signal,
  }
}

/** The same file with the same flags, as a worker. */
function workerCommand(file: string, flags: SweepFlags): string[] {
  return [
    process.execPath,
    ...process.execArgv,
    fileURLToPath(new URL('../main.js', import.meta.url)),
    'sweep',
    'worker',
    file,
    ...many('--set', flags.set),
    ...many('--sweep', flags.sweep),
    ...one('--engine', flags.engine),
    ...one('--features', flags.features),
    ...workerFlags(flags),
    '--log',
    'json',
  ]
}

/** The flags of a worker that change nothing in the file. */
export function workerFlags(flags: SweepFlags): string[] {
  return [
    ...many('--force', flags.force),
    ...one('--name', flags.name),
    ...one('--store', flags.store),
    ...one('--runs', flags.runs),
    ...one('--only', flags.only),
    ...(flags.cache === false ? ['--no-cache'] : []),
    ...(flags.restart ? ['--restart'] : []),
    ...(flags.tensorboard ? ['--tensorboard'] : []),
    ...(flags.offline ? ['--offline'] : []),
    ...(flags.verbose ? ['--verbose'] : []),
  ]
}

function one(flag: string, value: string | undefined): string[] {
  return value === undefined ? [] : [flag, value]
}

function many(flag: string, values: readonly string[] = []): string[] {
  return values.flatMap((value) => [flag, value])
}

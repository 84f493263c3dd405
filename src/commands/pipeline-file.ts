import { availableParallelism } from 'node:os'
import { storeRoot } from '../graph/store-root.ts'
import type { FindRunModel } from '../pipeline/base-model.ts'
import { loadFile, type LoadedPipeline, type LoadedPrediction } from '../pipeline/load.ts'
import { prepare, preparePrediction, type AnyPrepared } from '../runs/prepare.ts'
import { placed } from '../runs/problems.ts'
import { runsRoot } from '../runs/read.ts'
import { failure } from '../util/diagnostic.ts'
import type { CommandContext } from './command.ts'

/** Flags of every command that takes a pipeline file and looks at its stages. */
export interface RunFlags {
  readonly set?: readonly string[]
  readonly name?: string
  readonly engine?: string
  readonly features?: string
  readonly force?: readonly string[]
  /** False with --no-cache. */
  readonly cache?: boolean
  readonly jobs?: string
  readonly offline?: boolean
  readonly store?: string
  readonly runs?: string
  readonly verbose?: boolean
}

/** Loads the file with its overrides and decides everything that its stages depend on; `pin`: a run may write pipeline.lock. */
export async function prepareFile(
  file: string,
  flags: RunFlags,
  context: CommandContext,
  pin: { readonly pin: boolean },
): Promise<AnyPrepared> {
  const { env, cwd } = context
  const loaded = await loadFile(file, {
    set: overrides(flags),
    env,
    cwd,
    findRun: runFinder(flags, { env, cwd }),
  })
  return prepareLoaded(loaded, flags, context, pin)
}

/** The same of a file that is loaded already. */
export async function prepareLoaded(
  loaded: LoadedPipeline | LoadedPrediction,
  flags: Pick<RunFlags, 'runs' | 'name' | 'offline' | 'verbose'>,
  { env, cwd }: Pick<CommandContext, 'env' | 'cwd'>,
  { pin }: { readonly pin: boolean },
): Promise<AnyPrepared> {
  const options = {
    runs: runsRoot(flags.runs, env, cwd),
    name: flags.name,
    offline: flags.offline ?? false,
    pin,
    verbose: flags.verbose ?? false,
  }
  const prepared: Promise<AnyPrepared> =
    'prediction' in loaded ? preparePrediction(loaded, options) : prepare(loaded, options)
  return prepared.catch((error: unknown) => {
    throw placed(error, loaded)
  })
}

/** `--set`, and the flags that are short for one. */
export function overrides({ set, engine, features }: RunFlags): string[] {
  return [
    ...(set ?? []),
    ...(engine === undefined ? [] : [`engine=${engine}`]),
    ...(features === undefined ? [] : [`features.when=${features}`]),
  ]
}

/** Finds the run that a pipeline names as its base model. */
export function runFinder(
  flags: Pick<RunFlags, 'runs' | 'store'>,
  context: Pick<CommandContext, 'env' | 'cwd'>,
): FindRunModel {
  return async (reference, options) => {
    const [{ openStore }, { knownRun }, { findRun }] = await Promise.all([
      import('../graph/store.ts'),
      import('../runs/load-model.ts'),
      import('../runs/read.ts'),
    ])
    const { env, cwd } = context
    const run = findRun(reference, runsRoot(flags.runs, env, cwd), cwd)
    const store = await openStore(storeOptions(flags, context).store)
    try {
      return await knownRun(run, store, options)
    } finally {
      store.close()
    }
  }
}

export function storeOptions(
  flags: Pick<RunFlags, 'store'>,
  { env, cwd }: Pick<CommandContext, 'env' | 'cwd'>,
): { store: string } {
  return { store: storeRoot(env, flags.store, cwd) }
}

/** Stages side by side: the number of cores, at most 4. */
export function defaultJobs(): number {
  return Math.min(4, availableParallelism())
}

/** `--jobs`: stages of a run, or trials of a sweep, that may run side by side. */
export function jobsOf({ jobs }: RunFlags): number {
  if (jobs === undefined) return defaultJobs()
  const count = Number(jobs)
  if (Number.isInteger(count) && count >= 1 && count <= 256) return count
  throw failure('USAGE', `--jobs takes a whole number from 1 to 256, got ${jobs}`)
}

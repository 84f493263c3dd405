import { join, relative, resolve } from 'node:path'
import type { PlannedStage } from '../graph/plan.ts'
import { fileAtRevision, type FileAtRevision } from '../pipeline/at-revision.ts'
import { loadFile } from '../pipeline/load.ts'
import type { LoadedPipeline, LoadedPrediction, LoadOptions } from '../pipeline/load.ts'
import { parse } from '../pipeline/parse.ts'
import { find, placeOf, type Path } from '../pipeline/tree.ts'
import { expandVariables } from '../pipeline/variables.ts'
import type { ConfigSide, Side, StageSide } from '../runs/diff/side.ts'
import { resolvedYaml } from '../runs/resolved.ts'
import { openWorkshop } from '../runs/run.ts'
import { planPrepared } from '../runs/settle.ts'
import { PipelineError, type Position } from '../util/diagnostic.ts'
import type { CommandContext } from './command.ts'
import { prepareLoaded, runFinder, storeOptions, type RunFlags } from './pipeline-file.ts'

type SideFlags = Pick<RunFlags, 'runs' | 'store'>

/** A file has no results, but its stages are planned: what of them the store has, and what would run. */
export async function sideOfFile(
  file: string,
  flags: SideFlags,
  context: CommandContext,
): Promise<Side> {
  return sideOfAny({ file, nameOf: (name) => name }, flags, context)
}

/** The same of a file at a revision of git. */
export async function sideAtRevision(
  reference: string,
  flags: SideFlags,
  context: CommandContext,
): Promise<Side> {
  const found = await fileAtRevision(reference, context.cwd)
  return sideOfAny(found, flags, context).catch((error: unknown) => {
    throw renamed(error, found.nameOf)
  })
}

/** Places in files of another revision are called by it, so that no lines of today are shown for them. */
function renamed(error: unknown, nameOf: (file: string) => string): unknown {
  if (!(error instanceof PipelineError)) return error
  const at = (place: Position | undefined) => place && { ...place, file: nameOf(place.file) }
  const diagnostics = error.diagnostics.map((one) => ({ ...one, at: at(one.at) }))
  return new PipelineError(diagnostics, { cause: error })
}

async function sideOfAny(
  { file, read, nameOf }: Pick<FileAtRevision, 'file' | 'nameOf'> & LoadOptions,
  flags: SideFlags,
  context: CommandContext,
): Promise<Side> {
  const { env, cwd } = context
  const findRun = runFinder(flags, context)
  const loaded = await loadFile(file, { env, cwd, findRun, read })
  const title = nameOf(file)
  const config = configOf(loaded, nameOf, cwd)
  try {
    return { title, config, notes: [], ...(await planned(loaded, flags, context)) }
  } catch (error) {
    if (!(error instanceof PipelineError)) throw error
    const [problem] = error.diagnostics
    const note = `which stages would run is not known: ${problem?.code} ${problem?.message}`
    return { title, config, stages: undefined, notes: [note] }
  }
}

/** The values as a run of the file would write them, with their places in the file. */
function configOf(
  loaded: LoadedPipeline | LoadedPrediction,
  nameOf: (file: string) => string,
  cwd: string,
): ConfigSide {
  const { seed } = 'pipeline' in loaded ? loaded.pipeline : loaded.prediction
  const written = parse(resolvedYaml({ ...loaded, seed }, cwd), loaded.file)
  const place = (path: Path): string | undefined => {
    const node = find(loaded.tree, path)
    if (node?.from === 'default') return 'default'
    const at = placeOf(loaded.tree, path)
    if (!at) return undefined
    const name = nameOf(at.file)
    return `${name === at.file ? relative(cwd, resolve(cwd, name)) : name}:${at.line}`
  }
  return { tree: expandVariables(written, {}, () => undefined), place }
}

async function planned(
  loaded: LoadedPipeline | LoadedPrediction,
  flags: SideFlags,
  context: CommandContext,
): Promise<Pick<Side, 'stages' | 'open' | 'index'>> {
  const prepared = await prepareLoaded(loaded, flags, context, { pin: false })
  const workshop = await openWorkshop(prepared, storeOptions(flags, context))
  try {
    const { plan } = await planPrepared(prepared, workshop, { signal: context.signal })
    const index = plan.find(({ stage }) => stage.id === 'index')?.artifact
    return {
      stages: plan.map(stageOf),
      open: plan.flatMap(({ stage, state }) => (state === 'cached' ? [] : [stage.id])),
      index: index && join(index.path, 'index.jsonl'),
    }
  } catch (error) {
    throw prepared.placed(error)
  } finally {
    await workshop.environment.close()
    workshop.store.close()
  }
}

function stageOf({ stage, fingerprint, digest, document }: PlannedStage): StageSide {
  const { id, kind, params, seed, numerics } = stage
  const drawn = { ...(seed === undefined ? {} : { seed }), ...(numerics ? { numerics } : {}) }
  return {
    id,
    kind,
    document,
    settings: { params, ...drawn },
    needs: Object.values(stage.needs).map((need) => need.split('#')[0]!),
    ...(fingerprint ? { fingerprint } : {}),
    ...(digest ? { digest } : {}),
  }
}

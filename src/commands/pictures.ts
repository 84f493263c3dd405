import { relative } from 'node:path'
import { commonFolder, findImages } from '../data/find-images.ts'
import { readIndex } from '../data/index-table.ts'
import { scanFiles } from '../data/scan.ts'
import { execute } from '../graph/execute.ts'
import { planStages } from '../graph/plan.ts'
import type { Stage } from '../graph/stage.ts'
import type { PredictionPipeline } from '../pipeline/pipeline.ts'
import { openWorkshop } from '../runs/run.ts'
import { PipelineError, type Diagnostic } from '../util/diagnostic.ts'
import type { CommandContext } from './command.ts'
import { prepareFile, storeOptions } from './pipeline-file.ts'

/** What `validate --strict` finds in the pictures, or that they were not looked at. */
export interface PictureFindings {
  readonly seen: boolean
  readonly diagnostics: readonly Diagnostic[]
}

/**
 * Indexes the pictures of a pipeline where they are on this machine (a local folder, or in the store): bad pictures, the
 * same bytes in two splits, classes that a split lacks. Nothing is fetched and nothing is computed from them.
 */
export async function pictureFindings(
  file: string,
  set: readonly string[],
  context: CommandContext,
): Promise<PictureFindings> {
  const prepared = await prepareFile(file, { set }, context, { pin: false })
  if ('prediction' in prepared) return predictedFindings(prepared.prediction, context)
  const workshop = await openWorkshop(prepared, storeOptions({}, context))
  const { store, kinds } = workshop
  try {
    const { signal } = context
    const stages = upTo('index', prepared.stages)
    const plan = await planStages(stages, kinds, store, { signal, want: ['index'] })
    const isFetched = plan.every(
      ({ stage, state }) => stage.kind !== 'download' || state === 'cached',
    )
    if (!isFetched) return { seen: false, diagnostics: [] }
    const emit = () => {}
    const artifacts = await execute(stages, kinds, store, {
      jobs: 1,
      signal,
      emit,
      want: ['index'],
    })
    const { classes, summary } = await readIndex(artifacts.get('index')!.path)
    return { seen: true, diagnostics: [...prepared.classProblems(classes), ...summary.warnings] }
  } catch (error) {
    if (!(error instanceof PipelineError)) throw error
    return { seen: true, diagnostics: error.diagnostics }
  } finally {
    await workshop.environment.close()
    store.close()
  }
}

/** Pictures to predict are always here, and a bad one keeps no other back. */
async function predictedFindings(
  { prediction: { images } }: PredictionPipeline,
  { cwd, signal }: CommandContext,
): Promise<PictureFindings> {
  const found = findImages(images, cwd)
  const paths = found.images.map(({ path }) => path)
  const folder = paths.length > 0 ? commonFolder(paths) : cwd
  const names = paths.map((path) => relative(folder, path))
  const scanned = (await scanFiles(folder, names, { signal })).files()
  const bad = scanned.flatMap(({ path, check }): Diagnostic[] => {
    if (!('problem' in check)) return []
    return [{ code: 'BAD_IMAGE', message: `${path} is a bad picture: ${check.problem}` }]
  })
  const warning = { severity: 'warning' } as const
  return { seen: true, diagnostics: [...found.problems, ...bad].map((d) => ({ ...d, ...warning })) }
}

/** The stage and all that it needs. */
function upTo(id: string, stages: readonly Stage[]): Stage[] {
  const wanted = new Set([id])
  for (const stage of stages.toReversed()) {
    if (!wanted.has(stage.id)) continue
    for (const need of Object.values(stage.needs)) wanted.add(need.split('#')[0]!)
  }
  return stages.filter((stage) => wanted.has(stage.id))
}

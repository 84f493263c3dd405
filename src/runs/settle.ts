import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { SUMMARY_FILE, type IndexSummary } from '../data/index-table.ts'
import { planStages, type PlannedStage, type PlanOptions } from '../graph/plan.ts'
import type { Pictures } from '../pipeline/keep.ts'
import { readArchitecture } from '../stages/model-choice.ts'
import { bytesText } from '../util/text.ts'
import type { AnyPrepared, Prepared } from './prepare.ts'
import type { Workshop } from './run.ts'

/**
 * The plan, and the pipeline as the number of its pictures settles it, where an earlier index tells: without one all features
 * are taken to fit into the budget. Throws what `withPictures` does.
 */
export async function planPrepared(
  prepared: AnyPrepared,
  { kinds, store }: Workshop,
  options: PlanOptions,
): Promise<{ readonly prepared: AnyPrepared; readonly plan: PlannedStage[] }> {
  const first = await planStages(prepared.stages, kinds, store, options)
  if ('prediction' in prepared) return { prepared, plan: first }
  const { prepared: grown, plan } = await withLayersKnown(prepared, first, (stages) =>
    planStages(stages, kinds, store, options),
  )
  const pictures = picturesKnown(plan)
  if (!pictures) return { prepared: grown, plan }
  const settled = grown.withPictures(pictures)
  if (settled.stages === grown.stages) return { prepared: settled, plan }
  return { prepared: settled, plan: await planStages(settled.stages, kinds, store, options) }
}

/** The layers of a base model that was fetched before. */
async function withLayersKnown(
  prepared: Prepared,
  plan: PlannedStage[],
  again: (stages: Prepared['stages']) => Promise<PlannedStage[]>,
): Promise<{ readonly prepared: Prepared; readonly plan: PlannedStage[] }> {
  const weights = plan.find(({ stage }) => stage.id === 'weights')
  if (prepared.model || weights?.state !== 'cached' || !weights.artifact) return { prepared, plan }
  const grown = await prepared.withLayers(await readArchitecture(weights.artifact))
  return { prepared: grown, plan: await again(grown.stages) }
}

/** Undefined where the index has to be made first, or one is there that does not say it. */
function picturesKnown(plan: readonly PlannedStage[]): Pictures | undefined {
  const index = plan.find(({ stage }) => stage.kind === 'index')
  if (index?.state !== 'cached') return undefined
  if (index.facts?.['pictures']) return index.facts['pictures'] as Pictures
  try {
    return index.artifact && picturesOf(index.artifact.path)
  } catch {
    // Damaged: the run finds it out and makes it anew.
    return undefined
  }
}

/** Of an index artifact. */
export function picturesOf(index: string): Pictures {
  const text = readFileSync(join(index, SUMMARY_FILE), 'utf8')
  const { splits } = JSON.parse(text) as IndexSummary
  return Object.fromEntries(Object.entries(splits).map(([name, { count }]) => [name, count]))
}

/** What a person should hear of features that would not fit. */
export function budgetNotes({ phases, pipeline }: Prepared): string[] {
  const most = bytesText(pipeline.features.maxBytes)
  const { bank } = pipeline.augmentation ?? {}
  const instead =
    bank === undefined || bank === 'none'
      ? 'the frozen layers run at each step instead'
      : 'there is no bank: every epoch draws anew, and the frozen layers run at each step'
  return phases.flatMap(({ id, keeping: { kept, bytes } }) => {
    if (kept !== 'budget' || bytes === undefined) return []
    const what = `the features of ${id} would take ${bytesText(bytes)}, features.maxBytes allows ${most}`
    return [`${what}: ${instead}`]
  })
}

import type { PlannedStage } from '../graph/plan.ts'
import type { Change } from '../graph/why.ts'
import { openWorkshop } from '../runs/run.ts'
import { planPrepared } from '../runs/settle.ts'
import { failure } from '../util/diagnostic.ts'
import { canonicalJson, type Json } from '../util/json.ts'
import type { CommandRun } from './command.ts'
import { prepareFile, storeOptions, type RunFlags } from './pipeline-file.ts'
import { formatOf } from './plan.ts'
import { tableText, tableWidth, type Column } from './table-text.ts'

export interface WhyFlags extends RunFlags {
  readonly json?: boolean
  readonly md?: boolean
  readonly csv?: boolean
}

/** `pipeline why FILE [STAGE]`: for each stage HIT or MISS, and what changed since the most similar earlier time. */
export const run: CommandRun = async ([file, wanted], options, context) => {
  const flags: WhyFlags = options
  const prepared = await prepareFile(String(file), flags, context, { pin: false })
  const workshop = await openWorkshop(prepared, storeOptions(flags, context))
  try {
    const { signal } = context
    const { plan } = await planPrepared(prepared, workshop, { signal })
    const chosen = plan.filter(
      ({ stage }) => wanted === undefined || stage.id === wanted || stage.kind === wanted,
    )
    if (chosen.length === 0) {
      throw failure('USAGE', `no stage ${String(wanted)}`, {
        hint: `stages here: ${plan.map(({ stage }) => stage.id).join(', ')}`,
      })
    }
    context.stdout.write(
      flags.json
        ? `${JSON.stringify(chosen.map(whyJson), null, 2)}\n`
        : tableText(COLUMNS, chosen.flatMap(whyRows), formatOf(flags), tableWidth(context.stdout)),
    )
  } catch (error) {
    throw prepared.placed(error)
  } finally {
    await workshop.environment.close()
    workshop.store.close()
  }
}

function verdict({ state }: PlannedStage): 'HIT' | 'MISS' | 'UNKNOWN' {
  return state === 'cached' ? 'HIT' : state === 'run' ? 'MISS' : 'UNKNOWN'
}

function whyJson(planned: PlannedStage): Json {
  const { stage, why, changes } = planned
  return { id: stage.id, verdict: verdict(planned), why, changes: changes as unknown as Json }
}

const COLUMNS: readonly Column<readonly string[]>[] = [
  { title: 'stage', value: ([id]) => id! },
  { title: 'verdict', value: ([, is]) => is! },
  { title: 'because', value: ([, , because]) => because! },
]

function whyRows(planned: PlannedStage): string[][] {
  const { stage, why, changes } = planned
  const [first, ...more] = changes
  const because = first ? changeText(first) : why
  return [[stage.id, verdict(planned), because], ...more.map((c) => ['', '', changeText(c)])]
}

function changeText({ path, old, now }: Change): string {
  const text = (value: Json | undefined) => (value === undefined ? 'nothing' : canonicalJson(value))
  return `${path}: ${text(old)} -> ${text(now)}`
}

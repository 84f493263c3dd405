import type { PlannedStage } from '../graph/plan.ts'
import { planStages } from '../graph/plan.ts'
import { openWorkshop } from '../runs/run.ts'
import type { Json } from '../util/json.ts'
import { bytesText, secondsText } from '../util/text.ts'
import type { CommandContext } from './context.ts'
import { prepareFile, storeOptions, type RunFlags } from './pipeline-file.ts'
import { tableText, type TableFormat } from './screen/table.ts'

export interface PlanFlags extends RunFlags {
  readonly json?: boolean
  readonly md?: boolean
  readonly csv?: boolean
}

/** `pipeline plan FILE`: what a run would do, and why; nothing is executed. */
export async function run(
  [file]: readonly string[],
  flags: PlanFlags,
  context: CommandContext,
): Promise<void> {
  const prepared = await prepareFile(file!, flags, context)
  const workshop = await openWorkshop(prepared, storeOptions(flags, context))
  try {
    const plan = await planStages(prepared.stages, workshop.kinds, workshop.store, {
      signal: context.signal,
      force: flags.force ?? [],
      noCache: flags.cache === false,
    })
    context.stdout.write(
      flags.json
        ? `${JSON.stringify(plan.map(planJson), null, 2)}\n`
        : planText(plan, formatOf(flags)),
    )
  } finally {
    await workshop.environment.close()
    workshop.store.close()
  }
}

/** One element of `plan --json` (spec: cli.md). */
export function planJson({ stage, state, why, artifact, estimate }: PlannedStage): Json {
  const bytes = artifact?.bytes ?? estimate?.bytes
  return {
    id: stage.id,
    kind: stage.kind,
    state,
    why,
    ...(bytes === undefined ? {} : { bytes }),
    ...(estimate?.seconds === undefined ? {} : { seconds: estimate.seconds }),
  }
}

export function planText(plan: readonly PlannedStage[], format: TableFormat = 'text'): string {
  const rows = plan.map(({ stage, state, why, artifact, estimate }) => {
    const bytes = artifact?.bytes ?? estimate?.bytes
    return [
      stage.id,
      state,
      bytes === undefined ? '' : bytesText(bytes),
      estimate?.seconds === undefined ? '' : secondsText(estimate.seconds),
      why,
    ]
  })
  const table = tableText(['stage', 'state', 'bytes', 'time', 'why'], rows, format)
  if (format !== 'text') return table
  const count = (state: PlannedStage['state']) => plan.filter((p) => p.state === state).length
  const parts = [
    `${count('cached')} cached`,
    `${count('run')} to run`,
    ...(count('unknown') > 0 ? [`${count('unknown')} that depend on what comes before`] : []),
  ]
  return `${table}\n${parts.join(', ')}\n`
}

export function formatOf(flags: { readonly md?: boolean; readonly csv?: boolean }): TableFormat {
  return flags.md ? 'md' : flags.csv ? 'csv' : 'text'
}

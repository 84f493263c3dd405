import type { PlannedStage } from '../graph/plan.ts'
import { openWorkshop } from '../runs/run.ts'
import { planPrepared } from '../runs/settle.ts'
import type { Json } from '../util/json.ts'
import { bytesText, secondsText } from '../util/text.ts'
import type { CommandContext, CommandRun } from './command.ts'
import { prepareFile, storeOptions, type RunFlags } from './pipeline-file.ts'
import { tableText, type Column, type TableFormat } from './table-text.ts'

export interface PlanFlags extends RunFlags {
  readonly json?: boolean
  readonly md?: boolean
  readonly csv?: boolean
}

/** `pipeline plan FILE`: what a run would do, and why; nothing is executed. */
export const run: CommandRun = async ([file], options, context) => {
  await plan(String(file), options, context)
}

export async function plan(file: string, flags: PlanFlags, context: CommandContext): Promise<void> {
  const prepared = await prepareFile(file, flags, context, { pin: false })
  context.report(prepared.warnings)
  const workshop = await openWorkshop(prepared, storeOptions(flags, context))
  try {
    const { plan: planned } = await planPrepared(prepared, workshop, {
      signal: context.signal,
      force: flags.force ?? [],
      noCache: flags.cache === false,
    })
    context.stdout.write(
      flags.json
        ? `${JSON.stringify(planned.map(planJson), null, 2)}\n`
        : planText(planned, formatOf(flags)),
    )
  } catch (error) {
    throw prepared.placed(error)
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

const COLUMNS: readonly Column<PlannedStage>[] = [
  { title: 'stage', value: ({ stage }) => stage.id },
  { title: 'state', value: ({ state }) => state },
  {
    title: 'bytes',
    right: true,
    value: ({ artifact, estimate }) => {
      const bytes = artifact?.bytes ?? estimate?.bytes
      return bytes === undefined ? '' : bytesText(bytes)
    },
  },
  {
    title: 'time',
    right: true,
    value: ({ estimate }) => (estimate?.seconds === undefined ? '' : secondsText(estimate.seconds)),
  },
  { title: 'why', value: ({ why }) => why },
]

export function planText(plan: readonly PlannedStage[], format: TableFormat = 'text'): string {
  const table = tableText(COLUMNS, plan, format)
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

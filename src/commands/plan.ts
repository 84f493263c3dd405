import type { PlannedStage } from '../graph/plan.ts'
import { readSweep } from '../pipeline/sweep-block.ts'
import { phaseReports, type PhaseReport } from '../runs/phase-report.ts'
import { phaseSeconds, type PhaseSeconds } from '../runs/phase-seconds.ts'
import type { AnyPrepared } from '../runs/prepare.ts'
import { openWorkshop } from '../runs/run.ts'
import { planPrepared } from '../runs/settle.ts'
import { failure } from '../util/diagnostic.ts'
import type { Json } from '../util/json.ts'
import { bytesText, secondsText } from '../util/text.ts'
import type { CommandContext, CommandRun, Output } from './command.ts'
import { overrides, prepareFile, storeOptions, type RunFlags } from './pipeline-file.ts'
import { phaseBlocks, textColumns } from './screen/phases.ts'
import { tableText, tableWidth, type Column, type TableFormat } from './table-text.ts'

export interface PlanFlags extends RunFlags {
  readonly json?: boolean
  readonly md?: boolean
  readonly csv?: boolean
  readonly sweep?: readonly string[]
  /** Of a sweep: where its trials are written to, as CSV. */
  readonly save?: string
}

/** `pipeline plan FILE`: what a run would do, and why; nothing is executed. */
export const run: CommandRun = async ([file], options, context) => {
  await plan(String(file), options, context)
}

export async function plan(file: string, flags: PlanFlags, context: CommandContext): Promise<void> {
  const { env, cwd } = context
  const block = await readSweep(file, { set: overrides(flags), sweep: flags.sweep, env, cwd })
  if (block) return (await import('./plan-sweep.ts')).planOfSweep(file, block, flags, context)
  if (flags.save !== undefined) throw failure('USAGE', '--save is about the trials of a sweep')
  const loaded = await prepareFile(file, flags, context, { pin: false })
  context.report(loaded.warnings)
  const workshop = await openWorkshop(loaded, storeOptions(flags, context))
  try {
    const { prepared, plan: planned } = await planPrepared(loaded, workshop, {
      signal: context.signal,
      force: flags.force ?? [],
      noCache: flags.cache === false,
    })
    const phases = phasePlans(prepared)
    context.stdout.write(
      flags.json
        ? `${JSON.stringify(planJson(planned, phases), null, 2)}\n`
        : planText(planned, phases, formatOf(flags), widthsOf(context.stdout)),
    )
  } catch (error) {
    throw loaded.placed(error)
  } finally {
    await workshop.environment.close()
    workshop.store.close()
  }
}

/** What a plan says of a phase beside its stages. */
export interface PhasePlan {
  readonly report: PhaseReport
  readonly maxBytes: number
  readonly seconds: PhaseSeconds | undefined
}

function phasePlans(prepared: AnyPrepared): PhasePlan[] {
  if ('prediction' in prepared) return []
  const { maxBytes } = prepared.pipeline.features
  const cores = prepared.engine.threads
  return phaseReports(prepared).map((report, i) => {
    return { report, maxBytes, seconds: phaseSeconds(prepared, prepared.phases[i]!, cores) }
  })
}

/** `plan --json` (spec: cli.md): a list of stages; those that train have their phase's report with them. */
export function planJson(plan: readonly PlannedStage[], phases: readonly PhasePlan[]): Json {
  return plan.map(({ stage, state, why, artifact, estimate }) => {
    const bytes = artifact?.bytes ?? estimate?.bytes
    const phase = phases.find(({ report }) => report.stage === stage.id)
    return {
      id: stage.id,
      kind: stage.kind,
      state,
      why,
      ...(bytes === undefined ? {} : { bytes }),
      ...(estimate?.seconds === undefined ? {} : { seconds: estimate.seconds }),
      ...(phase ? { training: trainingJson(phase) } : {}),
    }
  })
}

function trainingJson({ report, seconds }: PhasePlan): Json {
  const { stage: _, ...rest } = report
  return { ...rest, ...(seconds ? { seconds: { ...seconds } } : {}) } as unknown as Json
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

interface Widths {
  readonly table: number
  readonly text: number
}

function widthsOf(stdout: Output): Widths {
  return { table: tableWidth(stdout), text: textColumns(stdout) }
}

export function planText(
  plan: readonly PlannedStage[],
  phases: readonly PhasePlan[] = [],
  format: TableFormat = 'text',
  { table: wide, text }: Widths = { table: Infinity, text: 100 },
): string {
  if (format !== 'text') return tableText(COLUMNS, plan, format)
  const told = COLUMNS.filter(({ value }) => plan.some((planned) => value(planned) !== ''))
  const table = tableText(told, plan, format, wide)
  const count = (state: PlannedStage['state']) => plan.filter((p) => p.state === state).length
  const parts = [
    `${count('cached')} cached`,
    `${count('run')} to run`,
    ...(count('unknown') > 0 ? [`${count('unknown')} that depend on what comes before`] : []),
  ]
  const blocks = phaseBlocks(
    phases.map(({ report }) => report),
    text,
    (report) => phases.find((phase) => phase.report === report)!,
  )
  return `${table}\n${parts.join(', ')}\n\n${blocks}`
}

export function formatOf(flags: { readonly md?: boolean; readonly csv?: boolean }): TableFormat {
  return flags.md ? 'md' : flags.csv ? 'csv' : 'text'
}

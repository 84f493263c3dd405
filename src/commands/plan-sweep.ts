import { writeFile } from 'node:fs/promises'
import { resolve } from 'node:path'
import type { SweepBlock } from '../pipeline/sweep-block.ts'
import { planSweep, type KindPlan, type SweepPlan, type TrialPlan } from '../sweeps/plan.ts'
import { diskError } from '../util/files.ts'
import type { Json } from '../util/json.ts'
import { bytesText, countText, plural, secondsText } from '../util/text.ts'
import { wrap } from '../util/width.ts'
import type { CommandContext } from './command.ts'
import { formatOf, type PlanFlags } from './plan.ts'
import { openSweepFile, workOptions } from './run-sweep.ts'
import { textColumns } from './screen/phases.ts'
import { valueText } from './screen/sweep-result.ts'
import { tableText, tableWidth, type Column } from './table-text.ts'

/** `pipeline plan FILE` of a file with a sweep: its trials, and what they share. */
export async function planOfSweep(
  file: string,
  block: SweepBlock,
  flags: PlanFlags,
  context: CommandContext,
): Promise<void> {
  const { stdout, cwd } = context
  const sweep = await openSweepFile(file, block, flags, context)
  context.report(sweep.warnings)
  const plan = await planSweep(sweep, workOptions(flags, context))
  if (flags.save !== undefined) await save(resolve(cwd, flags.save), plan)
  if (flags.json) {
    stdout.write(`${JSON.stringify(planJson(plan), null, 2)}\n`)
    return
  }
  const format = formatOf(flags)
  if (format !== 'text') {
    stdout.write(tableText(trialColumns(plan), plan.trials, format))
    return
  }
  const told = KINDS.filter(({ value }) => plan.kinds.some((kind) => value(kind) !== ''))
  const table = tableText(told, plan.kinds, 'text', tableWidth(stdout))
  const sentence = wrap(sentenceOf(plan), textColumns(stdout)).join('\n')
  stdout.write(`${table}\n${sentence}\n`)
}

/** `24 trials = 1 download, 1 index, 2 feature passes, 24 trainings; 9 done`. */
function sentenceOf({ trials, kinds }: SweepPlan): string {
  const parts = kinds.map(({ kind, distinct }) => countOf(kind, distinct))
  const done = trials.filter(({ status }) => status === 'done').length
  const seconds = kinds.reduce((total, kind) => total + (kind.seconds ?? 0), 0)
  const left = kinds.reduce((total, { distinct, cached }) => total + distinct - cached, 0)
  const timed = kinds.reduce((total, kind) => total + kind.timed, 0)
  return [
    `${plural(trials.length, 'trial')} = ${parts.join(', ')}`,
    ...(done > 0 ? [`${done} of them done`] : []),
    left === 0 ? 'nothing is left to run' : `${plural(left, 'stage')} to run`,
    ...(timed > 0
      ? [`about ${secondsText(seconds)}${timed < left ? ' for those whose time is known' : ''}`]
      : []),
  ].join('; ')
}

const NOUNS: Readonly<Record<string, readonly [one: string, many: string]>> = {
  download: ['download', 'downloads'],
  unpack: ['unpacking', 'unpackings'],
  index: ['index', 'indexes'],
  pixels: ['set of pixels', 'sets of pixels'],
  weights: ['set of weights', 'sets of weights'],
  features: ['feature pass', 'feature passes'],
  train: ['training', 'trainings'],
  evaluate: ['evaluation', 'evaluations'],
}

function countOf(kind: string, count: number): string {
  const [one, many] = NOUNS[kind] ?? [kind, kind]
  return plural(count, one, many)
}

const KINDS: readonly Column<KindPlan>[] = [
  { title: 'stages', value: ({ kind }) => kind },
  { title: 'in all', right: true, value: ({ distinct }) => countText(distinct) },
  { title: 'cached', right: true, value: ({ cached }) => countText(cached) },
  { title: 'to run', right: true, value: ({ distinct, cached }) => countText(distinct - cached) },
  {
    title: 'bytes',
    right: true,
    value: ({ bytes }) => (bytes === undefined ? '' : bytesText(bytes)),
  },
  {
    title: 'time',
    right: true,
    value: ({ seconds }) => (seconds === undefined ? '' : secondsText(seconds)),
  },
]

function trialColumns({ trials }: SweepPlan): Column<TrialPlan>[] {
  const keys = [...new Set(trials.flatMap(({ trial }) => Object.keys(trial.parameters)))]
  return [
    { title: 'trial', value: ({ trial }) => trial.id },
    { title: 'status', value: ({ status }) => status },
    ...keys.map((key) => ({
      title: key,
      value: ({ trial }: TrialPlan) =>
        trial.parameters[key] === undefined ? '' : valueText(trial.parameters[key]),
    })),
    { title: 'stages to run', right: true, value: ({ own }) => String(own) },
  ]
}

function planJson({ trials, kinds }: SweepPlan): Json {
  return {
    trials: trials.map(({ trial, status, own }) => {
      return { id: trial.id, parameters: trial.parameters, status, stagesToRun: own }
    }) as unknown as Json,
    stages: kinds.map(({ kind, distinct, cached, bytes, seconds }) => {
      return {
        kind,
        distinct,
        cached,
        run: distinct - cached,
        ...(bytes === undefined ? {} : { bytes }),
        ...(seconds === undefined ? {} : { seconds }),
      }
    }),
  }
}

async function save(path: string, plan: SweepPlan): Promise<void> {
  try {
    await writeFile(path, tableText(trialColumns(plan), plan.trials, 'csv'))
  } catch (error) {
    throw diskError(error, path)
  }
}

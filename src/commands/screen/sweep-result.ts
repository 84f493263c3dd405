import { join, relative } from 'node:path'
import type { Values } from '../../pipeline/sweep-block.ts'
import type { Outcome } from '../../runs/run.ts'
import type { SweepResults, TrialGroup, TrialResult } from '../../sweeps/results.ts'
import { repeatCommand } from '../../sweeps/repeat.ts'
import type { Sweep } from '../../sweeps/sweep.ts'
import { sweepImportance } from '../../sweeps/sweep-importance.ts'
import { canonicalJson, type Json } from '../../util/json.ts'
import { metricText, plural, secondsText } from '../../util/text.ts'
import { wrap } from '../../util/width.ts'
import { tableText, type Column, type TableFormat } from '../table-text.ts'
import { metricTable, spaced } from './result.ts'

export interface SweepTextOptions {
  readonly cwd: string
  readonly file: string
  readonly program: string
  readonly width: number
  /** Trials that were done before this call; absent where nothing was run. */
  readonly before?: ReadonlySet<string> | undefined
  /** Workers that have a trial at this moment; absent where the sweep has ended. */
  readonly alive?: { readonly workers: number; readonly machines: number } | undefined
  /** The best trial's run, evaluated as the file says. */
  readonly best?: Outcome | undefined
}

/** The contract of `run --json` of a sweep (spec: cli.md). Folders are relative to the current directory. */
export function sweepJson(sweep: Sweep, results: SweepResults, options: SweepTextOptions): Json {
  const { name, block, folder } = sweep
  const { cwd, before, best } = options
  const runs = join(folder, '../..')
  const { trials } = results
  const isFailed = trials.some(({ status }) => status === 'failed')
  const isWhole = trials.every(({ status }) => status !== 'waiting' && status !== 'running')
  return {
    sweep: {
      name,
      dir: relative(cwd, folder) || '.',
      method: block.method,
      metric: { name: block.metric.name, goal: block.metric.goal },
    },
    status: isFailed ? 'failed' : isWhole ? 'done' : 'unfinished',
    ...(options.alive ? { workers: options.alive.workers } : {}),
    trials: trials.map((trial) => ({
      id: trial.id,
      parameters: trial.parameters,
      status: statusJson(trial, before),
      ...(trial.value === undefined ? {} : { value: trial.value }),
      metrics: trial.metrics as Json,
      epochs: trial.epochs,
      ...(trial.seconds === undefined ? {} : { seconds: trial.seconds }),
      ...(trial.run === undefined ? {} : { run: relative(cwd, join(runs, trial.run)) }),
      ...(trial.failure
        ? { failure: { ...trial.failure, type: undefined } as unknown as Json }
        : {}),
    })) as unknown as Json,
    best: results.best?.id ?? null,
    importance: sweepImportance(block, results) as unknown as Json,
    ...(best
      ? {
          bestRun: {
            dir: relative(cwd, best.folder),
            metrics: best.record.metrics as unknown as Json,
          },
        }
      : {}),
  }
}

/** `cached`: finished by an earlier call, by the ledger or wholly from the store (spec: cli.md). */
function statusJson(
  { id, status, cached }: TrialResult,
  before: ReadonlySet<string> | undefined,
): string {
  if (status === 'paused') return 'stopped'
  return status === 'done' && (cached || before?.has(id)) ? 'cached' : status
}

/** What a finished sweep says at its end: the table of trials, the best one and how to repeat it. */
export function sweepText(
  sweep: Sweep,
  results: SweepResults,
  options: SweepTextOptions & { readonly others: number },
): string {
  const { trials, best } = results
  const count = (status: TrialResult['status']) => trials.filter((t) => t.status === status).length
  const parts = [
    `${sweep.name}`,
    plural(trials.length, 'trial'),
    `${count('done')} done`,
    ...(['paused', 'stopped', 'failed', 'running', 'waiting'] as const).flatMap((status) =>
      count(status) > 0 ? [`${count(status)} ${status}`] : [],
    ),
    ...aliveText(options.alive),
    ...(options.others > 0 ? [`${options.others} more that the file no longer has`] : []),
  ]
  const text = [...spaced(parts, options.width), '', sweepTable(results, 'text', options.width)]
  text.push(...importanceLines(sweep, results, options.width))
  if (best) text.push(...bestLines(sweep, best, options))
  return `${text.join('\n')}\n`
}

/** How much the figure depends on each parameter, and which way. */
function importanceLines({ block }: Sweep, results: SweepResults, width: number): string[] {
  const found = sweepImportance(block, results)
  if (found.length === 0) return []
  const parts = found.map(({ name, share, correlation }) => {
    const way = correlation === undefined ? '' : `, rank correlation ${correlation.toFixed(2)}`
    return `${name} ${Math.round(100 * share)} %${way}`
  })
  const text = `what ${results.metric.name} depends on (permutation in a random forest): ${parts.join('; ')}`
  return [...wrap(text, Math.min(width, 100)), '']
}

function aliveText(alive: SweepTextOptions['alive']): string[] {
  if (!alive || alive.workers === 0) return []
  const { workers, machines } = alive
  const where = machines > 1 ? ` on ${machines} machines` : ''
  return [`${plural(workers, 'worker')} at work${where}`]
}

function bestLines(sweep: Sweep, best: TrialResult, options: SweepTextOptions): string[] {
  const { cwd, file, program, width } = options
  const run = options.best
  const dir = relative(cwd, join(sweep.folder, '../..', best.run ?? ''))
  return [
    `best: ${parametersText(best.parameters)}`,
    ...(run ? ['', metricTable(run.record, width)] : []),
    `${relative(cwd, run?.folder ?? dir) || '.'}/summary.md`,
    `repeat it: ${repeatCommand(program, file, best.parameters)}`,
  ]
}

/** Groups best first: what varies, the figure, and with `repeat` its spread. */
export function sweepTable(results: SweepResults, format: TableFormat, width = Infinity): string {
  const { metric, groups } = results
  const keys = varying(groups)
  const isRepeated = groups.some(({ trials }) => trials.length > 1)
  const figure = (value: number | undefined) => (value === undefined ? '' : metricText(value))
  const columns: Column<TrialGroup>[] = [
    ...keys.map((key) => ({
      title: key,
      short: key.split('.').at(-1)!,
      value: ({ parameters }: TrialGroup) =>
        parameters[key] === undefined ? '' : valueText(parameters[key]),
    })),
    { title: metric.name, short: metric.figure, right: true, value: ({ mean }) => figure(mean) },
    ...(isRepeated
      ? [{ title: 'sd', right: true, value: ({ sd }: TrialGroup) => figure(sd) }]
      : []),
    {
      title: 'epochs',
      right: true,
      extra: 2,
      value: (group) => each(group, (t) => String(t.epochs)),
    },
    {
      title: 'time',
      right: true,
      extra: 1,
      value: (group) =>
        each(group, ({ seconds }) => (seconds === undefined ? '' : secondsText(seconds))),
    },
    { title: 'status', value: (group) => each(group, ({ status }) => status) },
    { title: 'run', extra: 1, value: (group) => group.trials[0]?.run?.split('/').at(-1) ?? '' },
  ]
  return tableText(columns, groups, format, width)
}

/** What all of the group say, or each in turn. */
function each({ trials }: TrialGroup, value: (trial: TrialResult) => string): string {
  const all = trials.map(value)
  return new Set(all).size === 1 ? all[0]! : all.join(' ')
}

/** Parameters that are not the same in all groups, in the order of their first appearance. */
function varying(groups: readonly TrialGroup[]): string[] {
  const keys = new Set(groups.flatMap(({ parameters }) => Object.keys(parameters)))
  return [...keys].filter(
    (key) => new Set(groups.map(({ parameters }) => JSON.stringify(parameters[key]))).size > 1,
  )
}

/** `learningRate 0.001  freeze all`: what a trial has of its own. */
export function parametersText(parameters: Values): string {
  return Object.entries(parameters)
    .map(([key, value]) => `${key.split('.').at(-1)} ${valueText(value)}`)
    .join('  ')
}

/** A value as a person writes it. */
export function valueText(value: Json): string {
  return typeof value === 'object' && value !== null ? canonicalJson(value) : String(value)
}

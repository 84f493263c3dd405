import type { Json, JsonObject } from '../../util/json.ts'
import { countText, metricText, plural } from '../../util/text.ts'
import { isNaming, type ConfigDiff } from './config.ts'
import type { DataJoin } from './data.ts'
import { LEVEL } from './mcnemar.ts'
import type { MetricDiff, RepeatsDiff } from './metrics.ts'
import type { SplitAnswers } from './predictions.ts'
import type { Side } from './side.ts'
import type { Spread } from './welch.ts'

/** What the sections have come to. */
export interface Findings {
  readonly metrics: readonly MetricDiff[]
  readonly config: readonly ConfigDiff[] | undefined
  readonly answers: readonly SplitAnswers[]
  readonly isSame: DataJoin['isSame']
  readonly data: DataJoin['diff']
  /** Pictures without labels that are named otherwise. */
  readonly others: number
  /** Nothing at all differs, in what is known. */
  readonly same: boolean
  /** Nothing is missing. */
  readonly isKnown: boolean
}

/** What a person wants to know first, in a sentence or two. */
export function verdict(a: Side, b: Side, findings: Findings): string {
  const { metrics, same, isKnown } = findings
  if (same && a.record !== undefined && a.record.id === b.record?.id) return 'A and B are one run.'
  if (same) return isKnown ? 'Nothing differs.' : 'Nothing differs in what is known of both.'
  const judged = judging(metrics)
  const parts = [
    ...loud(metrics, findings),
    judged ? judgement(judged, findings) : unjudged(a, b, findings),
    judged?.repeats ? overSeeds(judged, judged.repeats) : '',
    cause(findings),
    ...otherPictures(findings),
    ...toRun(a, b),
  ]
  return parts.filter((part) => part !== '').join(' ')
}

/** The figure that decides: accuracy before all others, on test before all other splits. */
function judging(metrics: readonly MetricDiff[]): MetricDiff | undefined {
  const known = metrics.filter(({ delta }) => delta !== undefined)
  const first = known.filter(({ split }) => split === known[0]?.split)
  return first.find(({ name }) => name === 'accuracy') ?? first[0]
}

/** Figures on different pictures are not to be compared, and nothing is said before that. */
function loud(metrics: readonly MetricDiff[], { isSame, answers }: Findings): string[] {
  const splits = [...new Set(metrics.map(({ split }) => split))]
  return splits.flatMap((split) => {
    if (isSame(split) !== false) return []
    const found = answers.find((s) => s.split === split)
    const common = found && found.both > 0 ? ` ${commonText(found)}` : ''
    const word = split === 'test' ? 'TEST' : split.toUpperCase()
    return [
      `DIFFERENT ${word} DATA: the figures on ${split} are of different pictures or labels and cannot be compared.${common}`,
    ]
  })
}

function commonText({ both, rightInBoth, lost, won }: SplitAnswers): string {
  const share = (right: number) => metricText(right / both)
  return `Of ${plural(both, 'picture')} that both have, A names ${share(rightInBoth + lost)} right and B ${share(rightInBoth + won)}.`
}

function judgement(metric: MetricDiff, { isSame, answers }: Findings): string {
  const { split, name, a, b, delta, better, p, noise } = metric
  const found = answers.find((s) => s.split === split)
  const figures = `${name} on ${split} ${metricText(a!)} -> ${metricText(b!)}`
  const flips = found && found.lost + found.won > 0 ? flipText(found) : ''
  const test = p === undefined ? '' : `McNemar's exact test p = ${probabilityText(p)}`
  const details = [change(delta!), flips, test].filter((part) => part !== '').join('; ')
  if (isSame(split) === false) return `${upper(figures)} (${change(delta!)}).`
  if (better === undefined) {
    return `A and B are equally good: ${name} on ${split} ${metricText(a!)} in both${flips && ` (${flips})`}.`
  }
  if (noise === 'within') return `No difference beyond noise: ${figures} (${details}).`
  const firm = noise === 'beyond' ? ', beyond noise' : ''
  return `${better.toUpperCase()} is better${firm}: ${figures} (${details}).`
}

/** What is left of the difference when both are repeated with other seeds. */
function overSeeds({ name, split }: MetricDiff, { a, b, p }: RepeatsDiff): string {
  const side = ({ mean, sd }: Spread) => `${metricText(mean)} ± ${metricText(sd)}`
  const seeds = `over ${countText(a.runs)} and ${countText(b.runs)} seeds`
  const figures = `${name} on ${split} ${side(a)} -> ${side(b)} (mean, sd`
  if (p === undefined) return `${upper(seeds)}: ${figures}).`
  const word = p < LEVEL ? 'beyond noise' : 'within noise'
  return `${upper(seeds)}, ${word}: ${figures}; Welch's test p = ${probabilityText(p)}).`
}

function flipText({ lost, won }: SplitAnswers): string {
  return `${countText(won)} wrong to right, ${countText(lost)} right to wrong`
}

function change(delta: number): string {
  return `${delta < 0 ? '' : '+'}${metricText(delta)}`
}

const STATES = {
  running: 'is still running',
  failed: 'failed',
  interrupted: 'was interrupted',
} as const

function unjudged(a: Side, b: Side, { metrics, others }: Findings): string {
  if (!a.record && !b.record) return 'A and B are files and have no figures yet.'
  const of = (name: string, { record }: Side): string[] => {
    if (!record) return [`${name} is a file and has no figures yet.`]
    if (record.status !== 'done') return [`${name} ${STATES[record.status]} and has no figures.`]
    return Object.keys(record.metrics).length === 0 && !record.predicted
      ? [`${name} has no figures: nothing was evaluated.`]
      : []
  }
  const why = [...of('A', a), ...of('B', b)]
  if (why.length > 0) return why.join(' ')
  if (others > 0)
    return `${plural(others, 'picture')} ${others === 1 ? 'is' : 'are'} named otherwise.`
  return metrics.some(({ same }) => !same)
    ? 'The two have no figure in common.'
    : 'The figures are the same.'
}

/** What there is to blame, where it is one thing. */
function cause({ config }: Findings): string {
  if (!config) return ''
  const changed = config.filter((row) => !row.same && !isNaming(row))
  const [only] = changed
  if (!only) return 'No key differs.'
  if (changed.length > 1) return `${plural(changed.length, 'key')} differ.`
  if (only.path === 'seed') return 'Only the seed differs.'
  return `One key differs: ${only.path} ${valueText(only.a)} -> ${valueText(only.b)}.`
}

/** Pictures that neither run was judged by, but that may be why they differ: those they were trained on. */
function otherPictures({ data, metrics }: Findings): string[] {
  const judged = new Set(metrics.map(({ split }) => split))
  return (data?.splits ?? []).flatMap((row) => {
    const parts = KINDS.flatMap((kind) =>
      row[kind] > 0 ? [`${countText(row[kind])} ${kind}`] : [],
    )
    const isOther = parts.length > 0 && !judged.has(row.split)
    return isOther ? [`The pictures of ${row.split} differ: ${parts.join(', ')}.`] : []
  })
}

const KINDS = ['added', 'removed', 'changed', 'relabelled', 'moved'] as const

/** Stages that a file would have to compute. */
function toRun(...sides: readonly Side[]): string[] {
  const isOne = sides.some(({ open }) => open === undefined)
  return sides.flatMap(({ open = [] }, i) => {
    const whose = isOne ? '' : ` for ${'AB'[i]}`
    return open.length === 0 ? [] : [`To run${whose}: ${open.join(', ')}.`]
  })
}

/** A value of a pipeline file on one line, as YAML's short form has it; `-` where there is none, cut where it is long. */
export function valueText(value: Json | undefined, most = 80): string {
  if (value === undefined) return '-'
  const text = flow(value)
  return text.length > most ? `${text.slice(0, most - 1)}…` : text
}

function flow(value: Json): string {
  if (typeof value !== 'object' || value === null) return String(value)
  if (Array.isArray(value)) return `[${value.map((item: Json) => flow(item)).join(', ')}]`
  const members = Object.entries(value as JsonObject)
  return `{${members.map(([key, member]) => `${key}: ${flow(member ?? null)}`).join(', ')}}`
}

/** Two digits, or that it is next to nothing. */
export function probabilityText(p: number): string {
  return p < 1e-4 ? '< 0.0001' : String(Number(p.toPrecision(2)))
}

function upper(text: string): string {
  return text.charAt(0).toUpperCase() + text.slice(1)
}

import { bySplit } from '../../data/index-table.ts'
import { METRICS } from '../../training/metrics.ts'
import { stableNumber } from '../../util/figures.ts'
import { LEVEL } from './mcnemar.ts'
import type { SplitAnswers } from './predictions.ts'
import type { Side } from './side.ts'
import { spreadOf, welch, type Spread } from './welch.ts'

export interface MetricDiff {
  readonly split: string
  readonly name: string
  /** Undefined: that side has no such figure. */
  readonly a: number | undefined
  readonly b: number | undefined
  /** B less A. */
  readonly delta: number | undefined
  /** Undefined where they are equal or one is missing. */
  readonly better: 'a' | 'b' | undefined
  /** Of accuracy on the same pictures: how probable so uneven a change is where there is no difference. */
  readonly p: number | undefined
  readonly noise: 'within' | 'beyond' | undefined
  /** Over runs that differ only in their seed, where both sides have several. */
  readonly repeats: RepeatsDiff | undefined
  readonly same: boolean
}

export interface RepeatsDiff {
  readonly a: Spread
  readonly b: Spread
  /** Of Welch's test; undefined where no seed makes a difference on either side. */
  readonly p: number | undefined
}

type Compared = Pick<Side, 'record' | 'repeats'>

/** All figures of both, test first. */
export function metricsDiff(
  a: Compared,
  b: Compared,
  answers: readonly SplitAnswers[],
): MetricDiff[] {
  const [left, right] = [a.record?.metrics ?? {}, b.record?.metrics ?? {}]
  return union(left, right)
    .sort(testFirst)
    .flatMap((split) =>
      union(left[split] ?? {}, right[split] ?? {}).map((name) =>
        metricDiff(split, name, {
          a: left[split]?.[name],
          b: right[split]?.[name],
          answers,
          repeats: repeatsDiff(split, name, a, b),
        }),
      ),
    )
}

function metricDiff(
  split: string,
  name: string,
  {
    a,
    b,
    answers,
    repeats,
  }: Pick<MetricDiff, 'a' | 'b' | 'repeats'> & { readonly answers: readonly SplitAnswers[] },
): MetricDiff {
  const delta = a === undefined || b === undefined ? undefined : stableNumber(b - a)
  const better = delta ? (delta > 0 === isHigherBetter(name) ? 'b' : 'a') : undefined
  const p = name === 'accuracy' ? answers.find((s) => s.split === split)?.p : undefined
  const noise = p === undefined ? undefined : p < LEVEL ? 'beyond' : 'within'
  return { split, name, a, b, delta, better, p, noise, repeats, same: a === b }
}

function repeatsDiff(
  split: string,
  name: string,
  a: Compared,
  b: Compared,
): RepeatsDiff | undefined {
  const values = ({ repeats = [] }: Compared) =>
    repeats.flatMap(({ metrics }) => metrics[split]?.[name] ?? [])
  const [left, right] = [values(a), values(b)]
  if (left.length < 2 || right.length < 2) return undefined
  // Two seeds of one pipeline are one group.
  const isOneOf = (side: Compared, other: Compared) =>
    side.repeats!.some(({ id }) => id === other.record?.id)
  if (isOneOf(a, b) || isOneOf(b, a)) return undefined
  const [first, second] = [spreadOf(left), spreadOf(right)]
  return { a: first, b: second, p: welch(first, second) }
}

/** By the table of metrics; other names by the word in them. */
export function isHigherBetter(name: string): boolean {
  const known = Object.entries(METRICS).find(([metric]) => metric === name)?.[1]
  return known ? known.better === 'higher' : !/loss|error/i.test(name)
}

/** Test is what a model is judged by in the end. */
function testFirst(a: string, b: string): number {
  return Number(b === 'test') - Number(a === 'test') || bySplit(b, a)
}

function union(a: object, b: object): string[] {
  return [...new Set([...Object.keys(a), ...Object.keys(b)])]
}

import { bySplit } from '../../data/index-table.ts'
import { METRICS } from '../../training/metrics.ts'
import { stableNumber } from '../../util/figures.ts'
import type { RunRecord } from '../record.ts'
import { LEVEL } from './mcnemar.ts'
import type { SplitAnswers } from './predictions.ts'

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
  readonly same: boolean
}

/** All figures of both, test first. */
export function metricsDiff(
  a: RunRecord | undefined,
  b: RunRecord | undefined,
  answers: readonly SplitAnswers[],
): MetricDiff[] {
  const [left, right] = [a?.metrics ?? {}, b?.metrics ?? {}]
  return union(left, right)
    .sort(testFirst)
    .flatMap((split) =>
      union(left[split] ?? {}, right[split] ?? {}).map((name) =>
        metricDiff(split, name, left[split]?.[name], right[split]?.[name], answers),
      ),
    )
}

function metricDiff(
  split: string,
  name: string,
  a: number | undefined,
  b: number | undefined,
  answers: readonly SplitAnswers[],
): MetricDiff {
  const delta = a === undefined || b === undefined ? undefined : stableNumber(b - a)
  const better = delta ? (delta > 0 === isHigherBetter(name) ? 'b' : 'a') : undefined
  const p = name === 'accuracy' ? answers.find((s) => s.split === split)?.p : undefined
  const noise = p === undefined ? undefined : p < LEVEL ? 'beyond' : 'within'
  return { split, name, a, b, delta, better, p, noise, same: a === b }
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

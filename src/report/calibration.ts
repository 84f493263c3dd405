import { isRight, type Scored } from './scored.ts'

/** Pictures whose answer had a probability in `(from, to]`. */
export interface Bin {
  readonly from: number
  readonly to: number
  readonly count: number
  readonly right: number
  /** The mean probability of the answers. */
  readonly confidence: number
}

export interface Calibration {
  readonly bins: readonly Bin[]
  readonly pictures: number
  /** Expected calibration error: the mean distance of a bin's accuracy to its confidence, weighted by its pictures. */
  readonly error: number
  /** Mean probability of the answers less the share that was right, over all pictures. */
  readonly excess: number
}

/** How many bins: as in Guo et al. 2017, "On Calibration of Modern Neural Networks", which this follows. */
const BINS = 15

/** How well the probabilities of answers tell how often they are right. Undefined without pictures. */
export function calibrate(scored: readonly Scored[]): Calibration | undefined {
  const known = scored.filter(({ probability }) => Number.isFinite(probability))
  if (known.length === 0) return undefined
  const sums = Array.from({ length: BINS }, () => ({ count: 0, right: 0, confidence: 0 }))
  for (const one of known) {
    const sum = sums[binOf(one.probability)]!
    sum.count += 1
    sum.right += isRight(one) ? 1 : 0
    sum.confidence += one.probability
  }
  const total = known.length
  const gaps = sums.map(({ right, confidence }) => Math.abs(right - confidence))
  return {
    bins: sums.map(({ count, right, confidence }, i) => ({
      from: i / BINS,
      to: (i + 1) / BINS,
      count,
      right,
      confidence: count === 0 ? 0 : confidence / count,
    })),
    pictures: total,
    error: gaps.reduce((a, b) => a + b, 0) / total,
    excess: sums.reduce((sum, { right, confidence }) => sum + confidence - right, 0) / total,
  }
}

/** Bins are open below and closed above: exactly 1 is of the last one. */
function binOf(probability: number): number {
  return Math.min(Math.max(Math.ceil(probability * BINS) - 1, 0), BINS - 1)
}

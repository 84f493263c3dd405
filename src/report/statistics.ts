/** The 97.5 % quantile of the normal distribution. */
const Z = 1.959963984540054

/**
 * The 95 % interval of a share of which `count` of `total` were seen (Wilson 1927; scipy's
 * `binomtest(…).proportion_ci(method='wilson')`).
 */
export function wilson(count: number, total: number): readonly [low: number, high: number] {
  if (total === 0) return [0, 1]
  const share = count / total
  const z2 = Z ** 2 / total
  const middle = share + z2 / 2
  const half = Z * Math.sqrt((share * (1 - share)) / total + z2 / (4 * total))
  return [Math.max(0, (middle - half) / (1 + z2)), Math.min(1, (middle + half) / (1 + z2))]
}

/** Pictures on the diagonal of a confusion matrix, all of them, and those of the class that has most. */
export function tally(confusion: readonly (readonly number[])[]) {
  const sums = confusion.map((row) => row.reduce((a, b) => a + b, 0))
  const most = sums.reduce((best, sum, i) => (sum > sums[best]! ? i : best), 0)
  return {
    right: confusion.reduce((sum, row, i) => sum + row[i]!, 0),
    total: sums.reduce((a, b) => a + b, 0),
    /** Index of the largest class, and its pictures. */
    largest: { index: most, count: sums[most] ?? 0 },
  }
}

export interface Pair {
  readonly truth: number
  readonly predicted: number
  readonly count: number
}

/** Mistakes by pair of classes (indices), the most frequent first; equals by their share of the row, then in order. */
export function confusedPairs(confusion: readonly (readonly number[])[]): Pair[] {
  const sums = confusion.map((row) => row.reduce((a, b) => a + b, 0))
  return confusion
    .flatMap((row, truth) => row.map((count, predicted) => ({ truth, predicted, count })))
    .filter(({ truth, predicted, count }) => truth !== predicted && count > 0)
    .sort((a, b) => b.count - a.count || sums[a.truth]! - sums[b.truth]!)
}

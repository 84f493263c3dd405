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

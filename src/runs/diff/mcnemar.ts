/**
 * McNemar's exact test of two classifiers on the same pictures: were `lost` and `won` equally likely, how probable is a split
 * of their sum at least as uneven? Two-sided binomial with probability 1/2 on the pictures that only one of them has
 * right; 1 where there are none. As `scipy.stats.binomtest(lost, lost + won)`.
 */
export function mcnemar(lost: number, won: number): number {
  const all = lost + won
  const less = Math.min(lost, won)
  if (less * 2 >= all - 1) return 1
  // The tail, in parts of its largest term, which is C(all, less) / 2^all.
  let term = 1
  let tail = 1
  for (let k = less; k > 0 && term > 1e-18; k -= 1) {
    term *= k / (all - k + 1)
    tail += term
  }
  let largest = -all * Math.LN2
  for (let k = 1; k <= less; k += 1) largest += Math.log((all - less + k) / k)
  return Math.min(1, 2 * tail * Math.exp(largest))
}

/** Below it a difference is said to be beyond noise. */
export const LEVEL = 0.05

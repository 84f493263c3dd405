/**
 * Spearman's rank correlation of two columns, from -1 to 1, ties at their mean rank (as `scipy.stats.spearmanr`). Undefined for
 * fewer than three pairs and where a column has one value only.
 */
export function rankCorrelation(x: readonly number[], y: readonly number[]): number | undefined {
  if (x.length < 3) return undefined
  const [a, b] = [ranks(x), ranks(y)]
  const middle = (x.length + 1) / 2
  let [both, first, second] = [0, 0, 0]
  for (let i = 0; i < a.length; i += 1) {
    const [u, v] = [a[i]! - middle, b[i]! - middle]
    both += u * v
    first += u * u
    second += v * v
  }
  return first > 0 && second > 0 ? both / Math.sqrt(first * second) : undefined
}

/** 1 for the smallest; equal values share the mean of their ranks. */
export function ranks(values: readonly number[]): number[] {
  const order = values.map((_, i) => i).sort((i, j) => Math.sign(values[i]! - values[j]!) || i - j)
  const result = new Array<number>(values.length)
  for (let start = 0; start < order.length;) {
    let end = start + 1
    while (end < order.length && values[order[end]!] === values[order[start]!]) end += 1
    for (let i = start; i < end; i += 1) result[order[i]!] = (start + 1 + end) / 2
    start = end
  }
  return result
}

/**
 * The error function to the last bits of a double: 2 / sqrt(pi) exp(-x^2) times the sum of 2^n x^(2n+1) / (1 3 ... (2n+1)), whose
 * terms all have one sign (Abramowitz and Stegun 7.1.6).
 */
export function erf(x: number): number {
  if (!(Math.abs(x) < 6)) return x === x ? Math.sign(x) : x
  let term = x
  let sum = x
  for (let n = 1; Math.abs(term) > 1e-17 * Math.abs(sum); n += 1) {
    term *= (2 * x * x) / (2 * n + 1)
    sum += term
  }
  return (2 / Math.sqrt(Math.PI)) * Math.exp(-x * x) * sum
}

/** To the last bits of a float, and quick: the first terms of the series, further out Abramowitz and Stegun 7.1.26. */
export function erfSingle(x: number): number {
  const size = Math.abs(x)
  if (size < 1) {
    let sum = 0
    const square = x * x
    for (let n = SERIES.length - 1; n >= 0; n -= 1) sum = sum * square + SERIES[n]!
    return x * sum
  }
  if (!(size < 6)) return x === x ? Math.sign(x) : x
  const t = 1 / (1 + 0.3275911 * size)
  let tail = 0
  for (let n = TAIL.length - 1; n >= 0; n -= 1) tail = (tail + TAIL[n]!) * t
  return Math.sign(x) * (1 - tail * Math.exp(-size * size))
}

/** 2 / sqrt(pi) (-1)^n / (n! (2n + 1)). */
export const SERIES: readonly number[] = Array.from({ length: 11 }, (_, n) => {
  let factorial = 1
  for (let i = 2; i <= n; i += 1) factorial *= i
  return ((2 / Math.sqrt(Math.PI)) * (n % 2 === 0 ? 1 : -1)) / (factorial * (2 * n + 1))
})

export const TAIL: readonly number[] = [
  0.254829592, -0.284496736, 1.421413741, -1.453152027, 1.061405429,
]

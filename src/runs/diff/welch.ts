/** What the runs of one pipeline that differ only in their seed came to. */
export interface Spread {
  readonly runs: number
  readonly mean: number
  /** Sample standard deviation. */
  readonly sd: number
}

export function spreadOf(values: readonly number[]): Spread {
  const mean = values.reduce((sum, value) => sum + value, 0) / values.length
  const squares = values.reduce((sum, value) => sum + (value - mean) ** 2, 0)
  return { runs: values.length, mean, sd: Math.sqrt(squares / Math.max(1, values.length - 1)) }
}

/**
 * Welch's test of two groups of runs: were their means equal, how probable is a difference at least as large? Two-sided, for
 * unequal variances, as `scipy.stats.ttest_ind(a, b, equal_var=False)`. Undefined below two runs a side, and where neither side
 * varies at all.
 */
export function welch(a: Spread, b: Spread): number | undefined {
  if (a.runs < 2 || b.runs < 2) return undefined
  const [left, right] = [a.sd ** 2 / a.runs, b.sd ** 2 / b.runs]
  const variance = left + right
  if (variance === 0) return undefined
  const t = (a.mean - b.mean) / Math.sqrt(variance)
  const freedom = variance ** 2 / (left ** 2 / (a.runs - 1) + right ** 2 / (b.runs - 1))
  // P(|T| > t) for Student's t is I_x(freedom / 2, 1 / 2) at x = freedom / (freedom + t^2).
  return incompleteBeta(freedom / (freedom + t * t), freedom / 2, 0.5)
}

/** The regularized incomplete beta function I_x(a, b), by its continued fraction (DLMF 8.17.22) after Lentz. */
function incompleteBeta(x: number, a: number, b: number): number {
  if (x <= 0) return 0
  if (x >= 1) return 1
  // The fraction converges quickly on this side; on the other I_x(a, b) = 1 - I_{1-x}(b, a).
  if (x > (a + 1) / (a + b + 2)) return 1 - incompleteBeta(1 - x, b, a)
  const front = Math.exp(
    a * Math.log(x) + b * Math.log1p(-x) - logGamma(a) - logGamma(b) + logGamma(a + b),
  )
  return (front / a) * betaFraction(x, a, b)
}

const TINY = 1e-300

function betaFraction(x: number, a: number, b: number): number {
  const floor = (value: number) => (Math.abs(value) < TINY ? TINY : value)
  let c = 1
  let d = 1 / floor(1 - ((a + b) * x) / (a + 1))
  let fraction = d
  for (let m = 1; m <= 500; m += 1) {
    const even = (m * (b - m) * x) / ((a + 2 * m - 1) * (a + 2 * m))
    const odd = (-(a + m) * (a + b + m) * x) / ((a + 2 * m) * (a + 2 * m + 1))
    for (const term of [even, odd]) {
      d = 1 / floor(1 + term * d)
      c = floor(1 + term / c)
      fraction *= c * d
    }
    if (Math.abs(c * d - 1) < 1e-15) break
  }
  return fraction
}

/** ln Γ(x) for x above 0: Stirling's series (DLMF 5.11.1) where x is large, and by Γ(x + 1) = x Γ(x) from there. */
function logGamma(x: number): number {
  let shift = 0
  let z = x
  for (; z < 15; z += 1) shift += Math.log(z)
  const inverse = 1 / (z * z)
  const series = (1 / 12 - inverse * (1 / 360 - inverse * (1 / 1260 - inverse / 1680))) / z
  return (z - 0.5) * Math.log(z) - z + 0.5 * Math.log(2 * Math.PI) + series - shift
}

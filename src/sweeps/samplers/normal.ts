import { erf } from '../../util/erf.ts'

const LOG_ROOT_TWO_PI = 0.5 * Math.log(2 * Math.PI)

/** log of the standard normal density. */
export function logNormal(z: number): number {
  return -0.5 * z * z - LOG_ROOT_TWO_PI
}

/**
 * log of the standard normal's mass below z, in the lower tail by Laplace's continued fraction of Mills' ratio (Abramowitz and
 * Stegun 26.2.14), so that it stays exact where the mass itself is no double any more.
 */
export function logBelow(z: number): number {
  if (z > 2) return Math.log1p(-Math.exp(logBelow(-z)))
  if (z > -2) return Math.log(0.5 * (1 + erf(z * Math.SQRT1_2)))
  if (z === -Infinity) return -Infinity
  // 60 terms are enough for a double from 2 on.
  let fraction = -z
  for (let k = 60; k > 0; k -= 1) fraction = -z + k / fraction
  return logNormal(z) - Math.log(fraction)
}

/** log of the standard normal's mass from a to b (a <= b, infinities allowed). */
export function logMass(a: number, b: number): number {
  // In the upper tail both ends are close to 1: the same mass lies mirrored in the lower one.
  if (a > 0) return logMass(-b, -a)
  // Neighbours would cancel: the density in the middle, with the next term of its series.
  const width = b - a
  const middle = (a + b) / 2
  if (width * Math.max(1, Math.abs(middle)) < 1e-2) {
    return logNormal(middle) + Math.log(width) + Math.log1p((width ** 2 * (middle ** 2 - 1)) / 24)
  }
  if (b > 0) return Math.log1p(-Math.exp(logBelow(a)) - Math.exp(logBelow(-b)))
  const upper = logBelow(b)
  return upper + Math.log(-Math.expm1(logBelow(a) - upper))
}

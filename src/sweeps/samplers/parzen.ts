import type { Stream } from '../../util/rng.ts'
import { PRIOR_WEIGHT, type Axis } from './kernels.ts'

/** A density over several dimensions: a weighted sum of kernels, each the product of one kernel a dimension. */
export interface Parzen {
  draw(random: Stream): readonly number[]
  logDensity(coordinates: readonly number[]): number
}

/** `observed`: coordinates along `axes`, older ones first. Optuna's `_ParzenEstimator`, multivariate. */
export function parzen(axes: readonly Axis[], observed: readonly (readonly number[])[]): Parzen {
  const columns = axes.map((axis, i) => axis.kernels(observed.map((row) => row[i]!)))
  const weights = [...recencyWeights(observed.length), PRIOR_WEIGHT]
  const total = weights.reduce((a, b) => a + b)
  const logWeights = weights.map((weight) => Math.log(weight / total))
  return {
    draw(random) {
      const kernel = pick(weights, total * random.uniform())
      return columns.map((column) => column.draw(kernel, random))
    },
    logDensity(coordinates) {
      const terms = logWeights.map((logWeight, kernel) =>
        columns.reduce(
          (sum, column, i) => sum + column.logDensity(kernel, coordinates[i]!),
          logWeight,
        ),
      )
      const top = Math.max(...terms)
      if (top === -Infinity) return top
      return top + Math.log(terms.reduce((sum, term) => sum + Math.exp(term - top), 0))
    },
  }
}

/**
 * 1 for the last 25 observations, for those before them rising evenly from 1 / count to 1 (Optuna's `default_weights`, after
 * Bergstra et al. 2013).
 */
export function recencyWeights(count: number): readonly number[] {
  const old = Math.max(count - 25, 0)
  return Array.from({ length: count }, (_, i) =>
    i < old ? 1 / count + (old > 1 ? (i / (old - 1)) * (1 - 1 / count) : 0) : 1,
  )
}

function pick(weights: readonly number[], at: number): number {
  let left = at
  for (let i = 0; i < weights.length - 1; i += 1) {
    left -= weights[i]!
    if (left < 0) return i
  }
  return weights.length - 1
}

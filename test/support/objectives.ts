import type { Dimension, Point } from '../../src/sweeps/domain.ts'
import { stream } from '../../src/util/rng.ts'

/** A function to search the minimum of, as bench/tpe.py has it too. */
export interface Objective {
  readonly dimensions: readonly Dimension[]
  /** Without noise. */
  readonly value: (point: Point) => number
  /** Standard deviation of what is added to the value that a sampler sees. */
  readonly noise: number
}

const uniform = (name: string, min: number, max: number): Dimension => ({
  name,
  domain: { type: 'uniform', min, max },
})

const number = (point: Point, name: string) => point[name] as number

/** Minimum 0.397887 at three points (Dixon and Szegö 1978). */
const branin: Objective = {
  dimensions: [uniform('x', -5, 10), uniform('y', 0, 15)],
  noise: 0,
  value(point) {
    const x = number(point, 'x')
    const y = number(point, 'y')
    const inner = y - (5.1 / (4 * Math.PI ** 2)) * x ** 2 + (5 / Math.PI) * x - 6
    return inner ** 2 + 10 * (1 - 1 / (8 * Math.PI)) * Math.cos(x) + 10
  },
}

const ALPHA = [1, 1.2, 3, 3.2]
const A = [
  [10, 3, 17, 3.5, 1.7, 8],
  [0.05, 10, 17, 0.1, 8, 14],
  [3, 3.5, 1.7, 10, 17, 8],
  [17, 8, 0.05, 10, 0.1, 14],
]
const P = [
  [0.1312, 0.1696, 0.5569, 0.0124, 0.8283, 0.5886],
  [0.2329, 0.4135, 0.8307, 0.3736, 0.1004, 0.9991],
  [0.2348, 0.1451, 0.3522, 0.2883, 0.3047, 0.665],
  [0.4047, 0.8828, 0.8732, 0.5743, 0.1091, 0.0381],
]

/** Minimum -3.32237 (Dixon and Szegö 1978). */
const hartmann6: Objective = {
  dimensions: Array.from({ length: 6 }, (_, i) => uniform(`x${i}`, 0, 1)),
  noise: 0,
  value: (point) =>
    -ALPHA.reduce((sum, alpha, k) => {
      const exponent = A[k]!.reduce(
        (inner, a, i) => inner + a * (number(point, `x${i}`) - P[k]![i]!) ** 2,
        0,
      )
      return sum + alpha * Math.exp(-exponent)
    }, 0),
}

const KINDS = ['good', 'middling', 'bad']

/** Minimum 0: as a learning rate (0.003), a width (96) and a kind of which one is bad behave, seen through noise. */
const quadratic: Objective = {
  dimensions: [
    { name: 'rate', domain: { type: 'logUniform', min: 1e-5, max: 1 } },
    { name: 'width', domain: { type: 'intUniform', min: 8, max: 256, q: 8 } },
    { name: 'kind', domain: { type: 'values', values: KINDS } },
  ],
  noise: 0.1,
  value: (point) =>
    Math.log10(number(point, 'rate') / 0.003) ** 2 +
    ((number(point, 'width') - 96) / 80) ** 2 +
    [0, 0.5, 5][KINDS.indexOf(point['kind'] as string)]!,
}

export const OBJECTIVES: Readonly<Record<string, Objective>> = { branin, hartmann6, quadratic }

/**
 * The true value of the point that looked best of all tried, one for each of the seeds; `suggest` gets every point so far with the value
 * that was seen.
 */
export function bestFound(
  objective: Objective,
  seeds: number,
  trials: number,
  suggest: (tried: readonly Tried[], seed: number) => Point | undefined,
): number[] {
  return Array.from({ length: seeds }, (_, seed) => {
    const tried: Tried[] = []
    for (let number = 0; number < trials; number += 1) {
      const point = suggest(tried, seed)
      if (!point) break
      const noise = objective.noise * stream('noise', seed, number).normal()
      tried.push({ point, value: objective.value(point) + noise })
    }
    const best = tried.reduce((a, b) => (b.value < a.value ? b : a))
    return objective.value(best.point)
  })
}

export interface Tried {
  readonly point: Point
  readonly value: number
}

/** Linear between the two nearest, as numpy. */
export function quantile(values: readonly number[], share: number): number {
  const sorted = values.toSorted((a, b) => a - b)
  const at = share * (sorted.length - 1)
  const below = Math.floor(at)
  const above = Math.min(below + 1, sorted.length - 1)
  return sorted[below]! + (at - below) * (sorted[above]! - sorted[below]!)
}

import type { Json } from '../../util/json.ts'
import { canonicalJson } from '../../util/json.ts'
import type { Stream } from '../../util/rng.ts'
import { settleValue, spanOf, stepOf, valuesOf, type Domain } from '../domain.ts'
import { logMass, logNormal } from './normal.ts'

/** The prior counts as one observation. */
export const PRIOR_WEIGHT = 1

/**
 * A dimension as Parzen estimators see it: values as numbers (the index of a category, the logarithm under `logUniform`), and a
 * kernel around each observed one. After Optuna's `_ParzenEstimator`; normal domains after Hyperopt's `adaptive_parzen_normal`
 * (the prior is the domain's own normal).
 */
export interface Axis {
  /** Undefined where the domain, as it now is, does not have the value. */
  toCoordinate(value: Json): number | undefined
  toValue(coordinate: number): Json
  /** One for each observation, and the prior's behind them. */
  kernels(observed: readonly number[]): Kernels
}

export interface Kernels {
  draw(kernel: number, random: Stream): number
  /** log of the density; of the probability where the domain is discrete. */
  logDensity(kernel: number, coordinate: number): number
}

export function axisOf(domain: Domain): Axis {
  const isSingle = domain.type !== 'normal' && valuesOf(domain, 1)
  if (isSingle) return categories(isSingle)
  return domain.type === 'values' ? categories(domain.values) : numbers(domain)
}

function categories(values: readonly Json[]): Axis {
  const indices = new Map(values.map((value, i) => [canonicalJson(value), i]))
  return {
    toCoordinate: (value) => indices.get(canonicalJson(value)),
    toValue: (index) => values[index]!,
    kernels: (observed) => categoryKernels(observed, values.length),
  }
}

/** A kernel gives every category a share of the prior's weight, and its own category 1 more. */
function categoryKernels(observed: readonly number[], count: number): Kernels {
  const share = PRIOR_WEIGHT / (observed.length + 1)
  const sum = 1 + share * count
  const probability = (kernel: number, index: number) =>
    kernel === observed.length ? 1 / count : ((index === observed[kernel] ? 1 : 0) + share) / sum
  return {
    draw(kernel, random) {
      let left = random.uniform()
      for (let index = 0; index < count - 1; index += 1) {
        left -= probability(kernel, index)
        if (left < 0) return index
      }
      return count - 1
    },
    logDensity: (kernel, index) => Math.log(probability(kernel, index)),
  }
}

type NumberDomain = Exclude<Domain, { type: 'values' }>

/** Where the coordinates of numbers lie, with the mean and the width of the prior's kernel. */
interface Ground {
  readonly low: number
  readonly high: number
  readonly mean: number
  readonly width: number
  /** Of a coordinate: the nearest that the domain has, and the ends of the interval that is rounded to it. */
  readonly settle?: (coordinate: number) => number
  readonly cell?: (coordinate: number) => readonly [left: number, right: number]
}

function numbers(domain: NumberDomain): Axis {
  const isLog = domain.type === 'logUniform'
  const inward = (value: number) => (isLog ? Math.log(value) : value)
  const outward = (coordinate: number) => (isLog ? Math.exp(coordinate) : coordinate)
  const [low, high] = domain.type === 'normal' ? [-Infinity, Infinity] : spanOf(domain).map(inward)
  const step = stepOf(domain)
  const ground: Ground = {
    low: low!,
    high: high!,
    ...(domain.type === 'normal'
      ? { mean: domain.mean, width: domain.std }
      : { mean: (low! + high!) / 2, width: high! - low! }),
    ...(step !== undefined && {
      settle: (x) => inward(settleValue(domain, outward(x))),
      cell: (x) => [inward(outward(x) - step / 2), inward(outward(x) + step / 2)],
    }),
  }
  return {
    toCoordinate(value) {
      if (typeof value !== 'number' || (isLog && value <= 0)) return undefined
      const x = inward(value)
      return x >= ground.low && x <= ground.high ? x : undefined
    },
    toValue: (coordinate) => settleValue(domain, outward(coordinate)),
    kernels: (observed) => numberKernels(observed, ground),
  }
}

/** Normals cut off at the ends of the range; in a discrete domain each value has the mass of the interval around it. */
function numberKernels(observed: readonly number[], ground: Ground): Kernels {
  const { low, high, settle, cell } = ground
  const means = [...observed, ground.mean]
  const widths = [...bandwidths(observed, ground), ground.width]
  const logInside = means.map((mean, k) =>
    logMass((low - mean) / widths[k]!, (high - mean) / widths[k]!),
  )
  return {
    draw(kernel, random) {
      const mean = means[kernel]!
      // The mean lies in the range and the kernel is no wider than it: a third of the draws or more lie inside.
      let x: number
      do x = mean + widths[kernel]! * random.normal()
      while (x < low || x > high)
      return settle ? settle(x) : x
    },
    logDensity(kernel, x) {
      const mean = means[kernel]!
      const width = widths[kernel]!
      if (!cell) return logNormal((x - mean) / width) - Math.log(width) - logInside[kernel]!
      const [left, right] = cell(x)
      return logMass((left - mean) / width, (right - mean) / width) - logInside[kernel]!
    },
  }
}

/**
 * The larger of the distances to both neighbours, of the outermost observations the only one; an observation alone has the ends of
 * the range as its neighbours. Never above the prior's width, never below a share of it that shrinks with the number of
 * observations, down to a hundredth (the "magic clip" of Bergstra et al. 2011).
 */
function bandwidths(observed: readonly number[], { low, high, width }: Ground): number[] {
  const order = observed.map((_, i) => i).sort((i, j) => observed[i]! - observed[j]!)
  const floor = width / Math.min(100, observed.length + 2)
  const isAlone = observed.length === 1
  const result = new Array<number>(observed.length)
  order.forEach((index, rank) => {
    const x = observed[index]!
    const before = rank > 0 ? observed[order[rank - 1]!]! : isAlone ? low : x
    const after = rank + 1 < order.length ? observed[order[rank + 1]!]! : isAlone ? high : x
    result[index] = Math.min(Math.max(x - before, after - x, floor), width)
  })
  return result
}

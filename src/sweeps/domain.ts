import type { Json } from '../util/json.ts'
import type { Stream } from '../util/rng.ts'

/**
 * What one parameter may be. `logUniform` takes values, not exponents. With `q` only multiples of q between `min` and `max` are
 * drawn; `intUniform` has both ends and a q of 1 where it is left out; `normal` is unbounded.
 */
export type Domain =
  | { readonly type: 'values'; readonly values: readonly Json[] }
  | Range
  | { readonly type: 'normal'; readonly mean: number; readonly std: number; readonly q?: number }

export interface Range {
  readonly type: 'uniform' | 'logUniform' | 'intUniform'
  readonly min: number
  readonly max: number
  readonly q?: number
}

/** A parameter, or several that change together as one of `values`. */
export interface Dimension {
  readonly name: string
  readonly domain: Domain
  /** Of a parameter that counts only where others have certain values. */
  readonly isActive?: (point: Point) => boolean
}

/** A value for every dimension that is active; the others are absent. */
export type Point = Readonly<Record<string, Json>>

/** Why nothing can be drawn from the domain, undefined where it is sound. */
export function domainProblem(domain: Domain): string | undefined {
  if (domain.type === 'values') return domain.values.length > 0 ? undefined : 'has no values'
  if (domain.q !== undefined && !(domain.q > 0)) return `q must be above 0, got ${domain.q}`
  if (domain.type === 'normal') {
    return domain.std > 0 ? undefined : `std must be above 0, got ${domain.std}`
  }
  const { type, min, max, q } = domain
  if (!(min <= max)) return `min ${min} is above max ${max}`
  if (type === 'logUniform' && !(min > 0)) return `min must be above 0, got ${min}`
  if (type === 'intUniform') {
    const broken = [min, max, q ?? 1].find((n) => !Number.isSafeInteger(n))
    if (broken !== undefined) return `takes whole numbers, got ${broken}`
  }
  const grid = gridOf(domain)
  if (grid && grid.first > grid.last) return `no multiple of ${grid.q} from ${min} to ${max}`
  return undefined
}

/** One value by the domain's own distribution, with numbers as short as a millionth of the range allows. */
export function drawValue(domain: Domain, random: Stream): Json {
  if (domain.type === 'values') return domain.values[random.below(domain.values.length)]!
  if (domain.type === 'normal') {
    return settleValue(domain, domain.mean + domain.std * random.normal())
  }
  const [low, high] = spanOf(domain)
  const share = uniform53(random)
  if (domain.type !== 'logUniform') return settleValue(domain, low + share * (high - low))
  return settleValue(domain, Math.exp(Math.log(low) + share * Math.log(high / low)))
}

/** The nearest value of the domain: a multiple of q where there is one, within min..max, and short. */
export function settleValue(domain: Exclude<Domain, { type: 'values' }>, x: number): number {
  const grid = gridOf(domain)
  if (grid) {
    const { q, first, last } = grid
    return multiple(Math.min(Math.max(Math.round(x / q), first), last), q)
  }
  if (domain.type === 'normal') return shorten(x, domain.std)
  const { type, min, max } = domain
  const spread = type === 'logUniform' ? x * Math.log(max / min) : max - min
  return Math.min(Math.max(shorten(x, spread), min), max)
}

/**
 * The ends of a range. A range with steps reaches half a step further on both sides, so that its first and last value are as
 * likely as the others.
 */
export function spanOf(domain: Range): readonly [low: number, high: number] {
  const grid = gridOf(domain)
  if (!grid) return [domain.min, domain.max]
  return [(grid.first - 0.5) * grid.q, (grid.last + 0.5) * grid.q]
}

/** The width of a step, undefined where the domain is continuous. */
export function stepOf(domain: Exclude<Domain, { type: 'values' }>): number | undefined {
  return gridOf(domain)?.q
}

/** All values in their order, undefined where they are more than `limit` or not countable. */
export function valuesOf(domain: Domain, limit: number): readonly Json[] | undefined {
  if (domain.type === 'values') return domain.values.length <= limit ? domain.values : undefined
  if (domain.type === 'normal') return undefined
  if (domain.min === domain.max) return [domain.min]
  const grid = gridOf(domain)
  if (!grid) return undefined
  const { q, first, last } = grid
  if (last - first >= limit) return undefined
  return Array.from({ length: last - first + 1 }, (_, i) => multiple(first + i, q))
}

interface Grid {
  readonly q: number
  /** The lowest and the highest multiple, in units of q. */
  readonly first: number
  readonly last: number
}

function gridOf(domain: Exclude<Domain, { type: 'values' }>): Grid | undefined {
  const q = domain.q ?? (domain.type === 'intUniform' ? 1 : undefined)
  if (q === undefined) return undefined
  if (domain.type === 'normal') return { q, first: -Infinity, last: Infinity }
  // 0.3 / 0.1 is a little below 3.
  const slack = 1e-9
  const first = Math.ceil(domain.min / q - slack)
  const last = Math.floor(domain.max / q + slack)
  return { q, first: domain.type === 'logUniform' ? Math.max(first, 1) : first, last }
}

/** k q without the digits that binary fractions add: 3 times 0.1 is 0.3. */
function multiple(k: number, q: number): number {
  const product = k * q
  if (Number.isInteger(q)) return product + 0 // no -0
  return Number(product.toPrecision(15)) + 0
}

/** x to a decimal place that is finer than a millionth of `spread`: people read these numbers and type them again. */
function shorten(x: number, spread: number): number {
  const places = Math.ceil(6 - Math.log10(spread))
  if (!(places >= 0 && places <= 100)) return x
  return Number(x.toFixed(places)) + 0
}

/** On [0, 1) with all bits of a double. */
function uniform53(random: Stream): number {
  return ((random.uint32() >>> 5) * 2 ** 26 + (random.uint32() >>> 6)) / 2 ** 53
}

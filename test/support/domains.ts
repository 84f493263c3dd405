import fc from 'fast-check'
import type { Dimension, Domain, Point } from '../../src/sweeps/domain.ts'
import { canonicalJson, type Json } from '../../src/util/json.ts'

const real = fc.double({ min: -1000, max: 1000, noNaN: true })
const width = fc.double({ min: 1e-3, max: 1000, noNaN: true })

/** Sound domains of every kind. */
export const domains: fc.Arbitrary<Domain> = fc.oneof(
  fc
    .uniqueArray(fc.jsonValue({ maxDepth: 1 }) as fc.Arbitrary<Json>, {
      minLength: 1,
      maxLength: 5,
      selector: canonicalJson,
    })
    .map((values): Domain => ({ type: 'values', values })),
  fc.tuple(real, width).map(([min, w]): Domain => ({ type: 'uniform', min, max: min + w })),
  fc
    .tuple(width, fc.double({ min: 1.01, max: 1e6, noNaN: true }))
    .map(([min, ratio]): Domain => ({ type: 'logUniform', min, max: min * ratio })),
  fc
    .tuple(fc.integer({ min: -50, max: 50 }), fc.nat(100))
    .map(([min, w]): Domain => ({ type: 'intUniform', min, max: min + w })),
  fc
    .tuple(
      fc.integer({ min: -50, max: 50 }),
      fc.integer({ min: 8, max: 100 }),
      fc.constantFrom(2, 3, 8),
    )
    .map(([min, w, q]): Domain => ({ type: 'intUniform', min, max: min + w, q })),
  fc
    .tuple(fc.integer({ min: -50, max: 50 }), fc.constantFrom(0.1, 0.25, 0.3))
    .map(([k, q]): Domain => ({ type: 'uniform', min: k * q, max: (k + 7.5) * q, q })),
  fc
    .tuple(fc.integer({ min: 1, max: 20 }), fc.constantFrom(0.5, 1, 16))
    .map(([k, q]): Domain => ({ type: 'logUniform', min: k * q, max: 9 * k * q, q })),
  fc.tuple(real, width).map(([mean, std]): Domain => ({ type: 'normal', mean, std })),
  fc.tuple(real, width).map(([mean, std]): Domain => ({ type: 'normal', mean, std, q: 0.5 })),
)

/** Whether the domain has the value, from the words of its definition. */
export function holds(domain: Domain, value: Json | undefined): boolean {
  if (domain.type === 'values') {
    return domain.values.some((one) => canonicalJson(one) === canonicalJson(value))
  }
  if (typeof value !== 'number' || !Number.isFinite(value)) return false
  const q = domain.q ?? (domain.type === 'intUniform' ? 1 : undefined)
  const isStep = q === undefined || Math.abs(value / q - Math.round(value / q)) < 1e-9
  if (domain.type === 'normal') return isStep
  const slack = q === undefined ? 0 : 1e-9 * q
  return isStep && value >= domain.min - slack && value <= domain.max + slack
}

/** One to four parameters; the last one, where there are more, may hang on whether the first has its own first value. */
export const spaces: fc.Arbitrary<readonly Dimension[]> = fc
  .tuple(fc.array(domains, { minLength: 1, maxLength: 4 }), fc.boolean())
  .map(([list, isConditional]) => {
    const dimensions: Dimension[] = list.map((domain, i) => ({ name: `p${i}`, domain }))
    if (!isConditional || list.length < 2) return dimensions
    const last: Dimension = { ...dimensions.at(-1)!, isActive: isFirstHigh }
    // Before the one it hangs on: the order must not matter.
    return [last, ...dimensions.slice(0, -1)]
  })

const isFirstHigh = (point: Point) => typeof point['p0'] !== 'number' || point['p0'] > 0

/** Whether a point has a value of its domain for each active dimension and nothing else. */
export function fits(dimensions: readonly Dimension[], point: Point): boolean {
  const active = dimensions.filter(({ isActive }) => isActive?.(point) ?? true)
  const names = active.map(({ name }) => name).sort()
  return (
    names.join() === Object.keys(point).sort().join() &&
    active.every(({ name, domain }) => holds(domain, point[name]))
  )
}

import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import {
  domainProblem,
  drawValue,
  settleValue,
  valuesOf,
  type Domain,
} from '../../src/sweeps/domain.ts'
import { stream } from '../../src/util/rng.ts'
import { domains, holds } from '../support/domains.ts'

test('what is drawn lies in the domain, and the same stream draws the same', () => {
  fc.assert(
    fc.property(domains, fc.integer(), (domain, seed) => {
      const draws = () => {
        const random = stream(seed)
        return Array.from({ length: 20 }, () => drawValue(domain, random))
      }
      for (const value of draws()) assert.ok(holds(domain, value), `${value}`)
      assert.deepEqual(draws(), draws())
    }),
  )
})

/** How often each of `count` equal parts of a coordinate in 0..1 is met, as shares. */
function shares(domain: Domain, count: number, coordinate: (value: number) => number): number[] {
  const random = stream('shares')
  const met = new Array<number>(count).fill(0)
  const draws = 20_000
  for (let i = 0; i < draws; i += 1) {
    const at = coordinate(drawValue(domain, random) as number)
    met[Math.min(Math.floor(at * count), count - 1)]! += 1 / draws
  }
  return met
}

const assertEven = (parts: readonly number[]) => {
  // Five standard deviations of a share of 20,000 draws.
  const share = 1 / parts.length
  const slack = 5 * Math.sqrt((share * (1 - share)) / 20_000)
  for (const part of parts) assert.ok(Math.abs(part - share) < slack, `${parts.join(' ')}`)
}

test('each distribution is the one it is named after', () => {
  assertEven(shares({ type: 'uniform', min: -2, max: 6 }, 8, (v) => (v + 2) / 8))
  // Values, not exponents: each of four decades as likely as the others.
  assertEven(
    shares({ type: 'logUniform', min: 1e-5, max: 1e-1 }, 8, (v) => (Math.log10(v) + 5) / 4),
  )
  // Both ends as likely as the rest.
  assertEven(shares({ type: 'intUniform', min: 3, max: 9 }, 7, (v) => (v - 2.5) / 7))
  assertEven(shares({ type: 'uniform', min: 0, max: 1, q: 0.25 }, 5, (v) => (v + 0.125) / 1.25))
  assertEven(shares({ type: 'values', values: [0, 1, 2] }, 3, (v) => v / 3))
  // Quarters of the normal with mean 2 and standard deviation 3.
  const quarter = 0.6744897501960817
  assertEven(
    shares({ type: 'normal', mean: 2, std: 3 }, 4, (v) => {
      const z = (v - 2) / 3
      return (z < -quarter ? 0 : z < 0 ? 1 : z < quarter ? 2 : 3) / 4 + 0.01
    }),
  )
})

test('steps are multiples of q within the range, without the digits of binary fractions', () => {
  const tenths: Domain = { type: 'uniform', min: 0.25, max: 0.85, q: 0.1 }
  assert.deepEqual(valuesOf(tenths, 10), [0.3, 0.4, 0.5, 0.6, 0.7, 0.8])
  assert.deepEqual(valuesOf({ type: 'intUniform', min: 10, max: 50, q: 16 }, 9), [16, 32, 48])
  assert.deepEqual(valuesOf({ type: 'logUniform', min: 1, max: 3, q: 1 }, 9), [1, 2, 3])
  assert.deepEqual(valuesOf({ type: 'logUniform', min: 1e-12, max: 2, q: 1 }, 9), [1, 2])
  assert.deepEqual(valuesOf({ type: 'uniform', min: 2, max: 2 }, 9), [2])
  assert.equal(valuesOf(tenths, 5), undefined)
  assert.equal(valuesOf({ type: 'uniform', min: 0, max: 1 }, 9), undefined)
  assert.equal(valuesOf({ type: 'normal', mean: 0, std: 1, q: 1 }, 9), undefined)
  assert.equal(settleValue({ type: 'normal', mean: 0, std: 1, q: 0.5 }, 7.3), 7.5)
  assert.equal(settleValue({ type: 'normal', mean: 0, std: 1, q: 1 }, -0.2), 0)
})

test('numbers are as short as the range allows', () => {
  const rate: Domain = { type: 'logUniform', min: 1e-5, max: 1e-2 }
  assert.equal(settleValue(rate, 0.00012345678901), 0.0001234568)
  assert.equal(settleValue({ type: 'uniform', min: 0, max: 1 }, 1 / 3), 0.333333)
  // Never outside: the ends themselves may have more digits.
  const narrow: Domain = { type: 'uniform', min: 1 / 3, max: 0.3333334 }
  assert.equal(settleValue(narrow, 1 / 3), 1 / 3)
})

test('what is wrong with a domain is said', () => {
  const problems: readonly (readonly [Domain, RegExp])[] = [
    [{ type: 'values', values: [] }, /no values/],
    [{ type: 'uniform', min: 2, max: 1 }, /min 2 is above max 1/],
    [{ type: 'logUniform', min: 0, max: 1 }, /above 0, got 0/],
    [{ type: 'intUniform', min: 0.5, max: 3 }, /whole numbers, got 0.5/],
    [{ type: 'intUniform', min: 1, max: 3, q: 0.5 }, /whole numbers, got 0.5/],
    [{ type: 'uniform', min: 0.1, max: 0.4, q: 0.5 }, /no multiple of 0.5 from 0.1 to 0.4/],
    [{ type: 'uniform', min: 0, max: 1, q: 0 }, /q must be above 0, got 0/],
    [{ type: 'normal', mean: 0, std: 0 }, /std must be above 0, got 0/],
  ]
  for (const [domain, message] of problems) assert.match(domainProblem(domain) ?? '', message)
  fc.assert(fc.property(domains, (domain) => domainProblem(domain) === undefined))
})

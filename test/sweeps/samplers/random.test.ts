import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import type { Dimension, Point } from '../../../src/sweeps/domain.ts'
import { suggestRandom } from '../../../src/sweeps/samplers/random.ts'
import { fits, spaces } from '../../support/domains.ts'

test('points lie in the space, hold what is active only, and come again for the same seed and number', () => {
  fc.assert(
    fc.property(spaces, fc.integer(), fc.nat(), (dimensions, seed, number) => {
      const suggest = () => suggestRandom(dimensions, [], { seed, number })
      const point = suggest()
      assert.ok(point && fits(dimensions, point), JSON.stringify(point))
      assert.deepEqual(suggest(), point)
    }),
  )
})

const space: readonly Dimension[] = [
  {
    name: 'augment',
    domain: { type: 'values', values: [1, 2, 3] },
    isActive: (p) => p['freeze'] !== 'all',
  },
  { name: 'freeze', domain: { type: 'values', values: ['all', 'none', { first: 9 }] } },
  { name: 'rate', domain: { type: 'uniform', min: 0, max: 1, q: 0.5 } },
]

/** Suggestions until there are none. */
function all(isAllowed?: (point: Point) => boolean): Point[] {
  const points: Point[] = []
  for (;;) {
    const options = { seed: 4, number: points.length, ...(isAllowed && { isAllowed }) }
    const point = suggestRandom(space, points, options)
    if (!point) return points
    points.push(point)
  }
}

test('a finite space is gone through to its last point, each once', () => {
  const points = all()
  // Frozen altogether: no augmentation, so 1 x 3; else 2 kinds x 3 x 3.
  assert.equal(points.length, 21)
  assert.equal(
    new Set(points.map((point) => JSON.stringify(Object.entries(point).sort()))).size,
    21,
  )
  assert.ok(points.every((point) => fits(space, point)))
  assert.equal(all(({ rate }) => rate !== 0.5).length, 14)
})

test('a rare point is found by listing the space', () => {
  const wide: Dimension = { name: 'n', domain: { type: 'intUniform', min: 1, max: 19_000 } }
  const isAllowed = (point: Point) => point['n'] === 17_777
  assert.deepEqual(suggestRandom([wide], [], { seed: 1, number: 0, isAllowed }), { n: 17_777 })
})

test('where an infinite space allows nothing there is no point', () => {
  const line: Dimension = { name: 'x', domain: { type: 'normal', mean: 0, std: 1 } }
  assert.equal(suggestRandom([line], [], { seed: 1, number: 0, isAllowed: () => false }), undefined)
})

import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import type { Dimension, Point } from '../../../src/sweeps/domain.ts'
import { suggestRandom } from '../../../src/sweeps/samplers/random.ts'
import {
  splitHistory,
  suggestTpe,
  type Goal,
  type Observation,
} from '../../../src/sweeps/samplers/tpe.ts'
import { fits, spaces } from '../../support/domains.ts'
import { readGolden } from '../../support/golden.ts'
import { bestFound, OBJECTIVES, quantile } from '../../support/objectives.ts'

const states = fc.constantFrom('done', 'pending', 'failed', 'stopped')

/** A history of random points with random fates. */
const histories = fc
  .tuple(
    spaces,
    fc.integer(),
    fc.array(fc.tuple(states, fc.double({ noNaN: true })), { maxLength: 40 }),
  )
  .map(([dimensions, seed, fates]) => {
    const history = fates.map(([state, value], number): Observation => ({
      point: suggestRandom(dimensions, [], { seed, number })!,
      state,
      ...(state !== 'pending' && { value }),
      ...(state === 'stopped' && { resource: 1 + (number % 3) }),
    }))
    return { dimensions, seed, history }
  })

test('points lie in the space, hold what is active only, are new, and come again for the same arguments', () => {
  fc.assert(
    fc.property(histories, fc.constantFrom('maximize', 'minimize'), (one, goal) => {
      const { dimensions, seed, history } = one
      const options = { seed, number: history.length, goal }
      const point = suggestTpe(dimensions, history, options)
      assert.deepEqual(suggestTpe(dimensions, history, options), point)
      const tried = new Set(history.map(({ point: old }) => key(old)))
      if (point) {
        assert.ok(fits(dimensions, point), JSON.stringify(point))
        assert.ok(!tried.has(key(point)))
      }
    }),
    { numRuns: 200 },
  )
})

const key = (point: Point) => JSON.stringify(Object.entries(point).sort())

test('the good trials are those that Optuna takes', () => {
  interface Case {
    readonly goal: Goal
    readonly history: readonly Omit<Observation, 'point'>[]
    readonly good: readonly number[]
    readonly bad: readonly number[]
  }
  for (const { goal, history, good, bad } of readGolden<{ splits: Case[] }>('tpe').splits) {
    const split = splitHistory(
      history.map((one, i) => ({ ...one, point: { i } })),
      goal,
    )
    assert.deepEqual(
      split.good.map(({ i }) => i),
      good,
    )
    assert.deepEqual(
      split.bad.map(({ i }) => i),
      bad,
    )
  }
})

test('a failed trial, and a done one without a number, count neither as good nor as bad', () => {
  const point = { x: 1 }
  const history: Observation[] = [
    { point, state: 'failed', value: 0 },
    { point, state: 'done' },
    { point, state: 'done', value: NaN },
  ]
  assert.deepEqual(splitHistory(history, 'minimize'), { good: [], bad: [] })
})

const line: Dimension = { name: 'x', domain: { type: 'uniform', min: 0, max: 1 } }

/** Twenty done trials along a line, lowest at `best`. */
const along = (best: number): Observation[] =>
  Array.from({ length: 20 }, (_, i) => {
    const x = (i + 0.5) / 20
    return { point: { x }, state: 'done', value: (x - best) ** 2 }
  })

/** Where 200 suggestions for different trials lie. */
const suggested = (history: readonly Observation[], goal: Goal) =>
  Array.from({ length: 200 }, (_, number) => {
    return suggestTpe([line], history, { seed: 2, number, goal })!['x'] as number
  })

test('suggestions gather around the best values, by the goal', () => {
  const near = suggested(along(0.3), 'minimize').filter((x) => Math.abs(x - 0.3) < 0.1)
  assert.ok(near.length > 150, `${near.length}`)
  const far = suggested(along(0.1), 'maximize').filter((x) => x > 0.8)
  assert.ok(far.length > 150, `${far.length}`)
})

test('pending trials push others away', () => {
  const running = Array.from({ length: 12 }, (_, i): Observation => {
    return { point: { x: 0.25 + i / 120 }, state: 'pending' }
  })
  const isNear = (x: number) => x > 0.25 && x < 0.35
  const alone = suggested(along(0.3), 'minimize').filter(isNear).length
  const beside = suggested([...along(0.3), ...running], 'minimize').filter(isNear).length
  assert.ok(beside < alone / 4, `${beside} of ${alone}`)
})

test('a parameter that counts under one kind only is learnt from the trials that have it', () => {
  const space: readonly Dimension[] = [
    { name: 'kind', domain: { type: 'values', values: ['flat', 'curved'] } },
    {
      name: 'x',
      domain: { type: 'uniform', min: 0, max: 1 },
      isActive: (point) => point['kind'] === 'curved',
    },
  ]
  const history: Observation[] = []
  for (let number = 0; number < 50; number += 1) {
    const point = suggestTpe(space, history, { seed: 3, number, goal: 'maximize' })!
    const x = point['x'] as number | undefined
    history.push({ point, state: 'done', value: x === undefined ? 0 : 1 - (x - 0.7) ** 2 })
  }
  const last = history.slice(-20).filter(({ point }) => point['kind'] === 'curved')
  assert.ok(last.length >= 15, `${last.length}`)
  const close = last.filter(({ point }) => Math.abs((point['x'] as number) - 0.7) < 0.15)
  assert.ok(close.length >= 0.7 * last.length, `${close.length} of ${last.length}`)
})

test('a finite space is gone through to its last point, and trials outside it do no harm', () => {
  const space: readonly Dimension[] = [
    { name: 'n', domain: { type: 'intUniform', min: 1, max: 6 } },
    { name: 'k', domain: { type: 'values', values: ['a', 'b', 'c'] } },
  ]
  const history: Observation[] = Array.from({ length: 12 }, (_, i) => ({
    point: { n: 10 + i, k: 'removed' },
    state: 'done',
    value: i,
  }))
  for (;;) {
    const number = history.length
    const isAllowed = ({ n, k }: Point) => !(n === 2 && k === 'b')
    const point = suggestTpe(space, history, { seed: 5, number, goal: 'minimize', isAllowed })
    if (!point) break
    history.push({ point, state: 'done', value: point['n'] as number })
  }
  assert.equal(history.length - 12, 17)
  assert.equal(new Set(history.map(({ point }) => key(point))).size, history.length)
})

test('better than random on Branin, Hartmann-6 and a noisy quadratic with a bad category', () => {
  for (const [name, objective] of Object.entries(OBJECTIVES)) {
    const { dimensions } = objective
    const random = bestFound(objective, 20, 60, (tried, seed) =>
      suggestRandom(dimensions, [], { seed, number: tried.length }),
    )
    const tpe = bestFound(objective, 20, 60, (tried, seed) =>
      suggestTpe(
        dimensions,
        tried.map((one) => ({ ...one, state: 'done' })),
        { seed, number: tried.length, goal: 'minimize' },
      ),
    )
    // Not by chance: our upper quartile against the lower one of random.
    const [worse, better] = [quantile(tpe, 0.75), quantile(random, 0.25)]
    assert.ok(worse < better, `${name}: ${worse} against ${better}`)
  }
})

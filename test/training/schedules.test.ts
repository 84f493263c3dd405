import assert from 'node:assert/strict'
import { describe, test } from 'node:test'

import { learningRateAt, SCHEDULES, type Schedule } from '../../src/training/schedules.ts'
import { assertClose } from '../support/compare.ts'
import { readGolden } from '../support/golden.ts'

interface Golden {
  readonly runs: readonly {
    readonly schedule: Schedule
    readonly steps: readonly number[]
    readonly rates: readonly number[]
  }[]
}

describe('schedules against Keras (goldens: test/golden/schedules.py)', () => {
  const { runs } = readGolden<Golden>('schedules')
  for (const { schedule, steps, rates } of runs) {
    test(JSON.stringify(schedule), () => {
      const got = steps.map((step) => learningRateAt(schedule, step))
      assertClose(got, rates, 1e-6, 'rates')
    })
  }

  test('every schedule has goldens', () => {
    const names = new Set(runs.map(({ schedule }) => schedule.name))
    assert.deepEqual([...names].sort(), Object.keys(SCHEDULES).sort())
  })
})

// Our own: Keras has a warm-up for CosineDecay alone.
describe('warm-up', () => {
  const rates = (schedule: Schedule, count: number): number[] =>
    Array.from({ length: count }, (_, step) => learningRateAt(schedule, step))

  test('rises from zero to the first rate, then the schedule begins', () => {
    const plain: Schedule = {
      name: 'ExponentialDecay',
      initialLearningRate: 0.5,
      decaySteps: 2,
      decayRate: 0.25,
    }
    assert.deepEqual(rates({ ...plain, warmupSteps: 4 }, 7), [
      ...[0, 0.125, 0.25, 0.375],
      ...rates(plain, 3),
    ])
    assert.deepEqual(rates(plain, 3), [0.5, 0.25, 0.125])
  })

  test('CosineDecay without a target warms up like the others', () => {
    const schedule = { name: 'CosineDecay', initialLearningRate: 1, decaySteps: 2 } as const
    assertClose(rates({ ...schedule, warmupSteps: 2 }, 5), [0, 0.5, 1, 0.5, 0], 1e-7, 'rates')
  })

  test('boundaries count from its end', () => {
    const pieces = { name: 'PiecewiseConstantDecay', boundaries: [1], values: [1, 0.5] } as const
    assert.deepEqual(rates({ ...pieces, warmupSteps: 2 }, 5), [0, 0.5, 1, 1, 0.5])
  })

  test('a number stays what it is, in float32', () => {
    assert.equal(learningRateAt(0.1, 1000), Math.fround(0.1))
  })
})

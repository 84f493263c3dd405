import assert from 'node:assert/strict'
import { test } from 'node:test'
import { medianDecision, type MedianRule } from '../../../src/sweeps/early/median.ts'
import { readGolden } from '../../support/golden.ts'

interface Case extends MedianRule {
  readonly finished: readonly (readonly number[])[]
  readonly values: readonly number[]
  /** By epoch. */
  readonly stops: readonly boolean[]
}

test("trials are stopped where Optuna's MedianPruner stops them", () => {
  const { medians } = readGolden<{ medians: readonly Case[] }>('tpe')
  for (const { finished, values, stops, ...rule } of medians) {
    const ours = values.map((_, i) => medianDecision(values.slice(0, i + 1), finished, rule))
    assert.deepEqual(ours, stops)
  }
  // Both answers occur, under both goals.
  for (const goal of ['minimize', 'maximize']) {
    const all = medians.filter((one) => one.goal === goal).flatMap(({ stops }) => stops)
    assert.ok(all.includes(true) && all.includes(false))
  }
})

test('a trial that never had a number is stopped; finished ones without a number are not asked', () => {
  const rule: MedianRule = { goal: 'maximize', min: 1, trials: 1 }
  assert.equal(medianDecision([NaN, NaN], [[0.1, 0.2]], rule), true)
  assert.equal(medianDecision([0.1], [[NaN]], rule), false)
  assert.equal(medianDecision([0.1], [[NaN], [0.2]], rule), true)
  // No finished trial came as far.
  assert.equal(medianDecision([0.1, 0.1], [[0.2]], rule), false)
  assert.equal(medianDecision([], [[0.2]], rule), false)
})

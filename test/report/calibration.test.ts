import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { calibrate } from '../../src/report/calibration.ts'
import type { Scored } from '../../src/report/scored.ts'
import { sentence } from '../../src/report/sections/calibration.ts'
import { confusedPairs, tally, wilson } from '../../src/report/statistics.ts'
import { readGolden } from '../support/golden.ts'

interface Golden {
  readonly reliability: readonly {
    readonly name: string
    readonly probabilities: readonly number[]
    readonly right: readonly number[]
    readonly counts: readonly number[]
    readonly share: readonly number[]
    readonly confidence: readonly number[]
    readonly error: number
    readonly excess: number
  }[]
  readonly wilson: readonly {
    readonly count: number
    readonly total: number
    readonly interval: readonly [number, number]
  }[]
}

const golden = readGolden<Golden>('calibration')

function answers(probabilities: readonly number[], right: readonly number[]): Scored[] {
  return probabilities.map((probability, i) => ({
    split: 'test',
    image: `${i}.png`,
    label: 'a',
    predicted: right[i] === 1 ? 'a' : 'b',
    probability,
    loss: 1,
  }))
}

function near(actual: number, expected: number): void {
  assert.ok(Math.abs(actual - expected) < 1e-9, `${actual} is not ${expected}`)
}

describe('calibration', () => {
  for (const { name, probabilities, right, ...expected } of golden.reliability) {
    it(`is scikit-learn's: ${name}`, () => {
      const { bins, error, excess, pictures } = calibrate(answers(probabilities, right))!
      assert.equal(pictures, probabilities.length)
      assert.deepEqual(
        bins.map(({ count }) => count),
        expected.counts,
      )
      const filled = bins.filter(({ count }) => count > 0)
      for (const [i, bin] of filled.entries()) {
        near(bin.right / bin.count, expected.share[i]!)
        near(bin.confidence, expected.confidence[i]!)
      }
      near(error, expected.error)
      near(excess, expected.excess)
    })
  }

  it('is said in words only as far as so many pictures can tell', () => {
    const said = golden.reliability.slice(0, 3).map(({ probabilities, right }) => {
      return sentence(calibrate(answers(probabilities, right))!)
    })
    assert.match(said[0]!, /^The answers are too sure: .* \d+\.\d points above/)
    assert.match(said[1]!, /^On average the answers are as often right as they say/)
    assert.match(said[2]!, /^The answers are not sure enough: /)
    assert.match(sentence(calibrate(answers([0.99, 0.98], [1, 1]))!), /^On average/)
  })

  it('is not there without pictures, and leaves out what has no probability', () => {
    assert.equal(calibrate([]), undefined)
    assert.equal(calibrate(answers([Number.NaN, 0.5], [1, 1]))?.pictures, 1)
  })
})

describe('shares of pictures', () => {
  it(`have scipy's intervals`, () => {
    for (const { count, total, interval } of golden.wilson) {
      const [low, high] = wilson(count, total)
      near(low, interval[0])
      near(high, interval[1])
    }
    assert.deepEqual(wilson(0, 0), [0, 1])
  })

  it('are counted from a confusion matrix', () => {
    const counts = [
      [3, 0, 1],
      [2, 2, 1],
      [0, 0, 3],
    ]
    assert.deepEqual(tally(counts), { right: 8, total: 12, largest: { index: 1, count: 5 } })
    assert.deepEqual(confusedPairs(counts), [
      { truth: 1, predicted: 0, count: 2 },
      { truth: 0, predicted: 2, count: 1 },
      { truth: 1, predicted: 2, count: 1 },
    ])
  })
})

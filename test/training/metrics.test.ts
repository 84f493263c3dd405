import assert from 'node:assert/strict'
import { describe, test } from 'node:test'

import fc from 'fast-check'

import {
  METRICS,
  openTally,
  type ClassFigures,
  type MetricName,
  type Tally,
} from '../../src/training/metrics.ts'
import { areaUnderRoc } from '../../src/training/roc.ts'
import { assertClose } from '../support/compare.ts'
import { floats, readGolden, unpack, type Packed } from '../support/golden.ts'

interface Case {
  readonly name: string
  readonly probabilities: Packed
  readonly labels: Packed
  readonly figures: Readonly<Record<string, number>>
  readonly perClass: readonly (Omit<ClassFigures, 'auc'> & { readonly auc: number | null })[]
  readonly confusion: readonly (readonly number[])[]
}

const ALL = Object.keys(METRICS) as MetricName[]

describe('metrics agree with scikit-learn and Keras (goldens: test/golden/metrics.py)', () => {
  for (const c of readGolden<{ cases: Case[] }>('metrics').cases) {
    test(c.name, () => {
      const [n, units] = c.probabilities.shape as [number, number]
      const tally = openTally(units, ALL)
      streamed(tally, floats(c.probabilities), unpack(c.labels), units, 16)
      const counts = tally.counts()
      assert.equal(counts.examples, n)
      assert.deepEqual(counts.confusion, c.confusion)
      for (const [name, want] of Object.entries(c.figures)) {
        assertClose([tally.figures()[name as MetricName]!], [want], 1e-6, name)
      }
      for (const [i, { auc, ...want }] of c.perClass.entries()) {
        const got = counts.perClass[i]!
        assert.equal(got.auc === undefined, auc === null)
        if (auc !== null) assertClose([got.auc!], [auc], 1e-12, `auc of class ${i}`)
        for (const key of ['precision', 'recall', 'f1', 'support'] as const) {
          assertClose([got[key]], [want[key]], 1e-12, `${key} of class ${i}`)
        }
      }
    })
  }
})

describe('a tally', () => {
  test('does not depend on how examples fall into batches', () => {
    const size = 40
    fc.assert(
      fc.property(
        fc.array(fc.float({ min: 0, max: 1, noNaN: true }), {
          minLength: size * 3,
          maxLength: size * 3,
        }),
        fc.array(fc.nat(2), { minLength: size, maxLength: size }),
        fc.integer({ min: 1, max: size }),
        (values, labels, batch) => {
          const whole = openTally(3, ALL)
          const parts = openTally(3, ALL)
          streamed(whole, Float32Array.from(values), labels, 3, size)
          streamed(parts, Float32Array.from(values), labels, 3, batch)
          assert.deepEqual(parts.counts(), whole.counts())
        },
      ),
      { numRuns: 50 },
    )
  })

  test('means the losses, and counts only what it is told to of a padded batch', () => {
    const tally = openTally(1, ['loss', 'accuracy'])
    const batch = { probabilities: Float32Array.of(0.9, 0.2, 0.7), labels: [1, 1, 0] }
    tally.add({ ...batch, losses: Float32Array.of(0.5, 2, 100), count: 2 })
    assert.deepEqual(tally.figures(), { loss: 1.25, accuracy: 0.5 })
  })

  test('without the other class there is no auc; without examples nothing', () => {
    const tally = openTally(1, ALL)
    assert.deepEqual(tally.figures(), { precision: 0, recall: 0, f1: 0 })
    tally.add({ probabilities: Float32Array.of(0.9), labels: [1], count: 1 })
    assert.equal(tally.figures().auc, undefined)
  })

  test('keeps no scores where no metric needs them', () => {
    const tally = openTally(1, ['accuracy'])
    tally.add({ probabilities: Float32Array.of(0.9, 0.1), labels: [1, 0], count: 2 })
    assert.deepEqual(
      tally.counts().perClass.map((c) => c.auc),
      [undefined, undefined],
    )
  })

  test('top five: ties count as right; fewer than six classes always are', () => {
    const tally = openTally(7, ['top5Accuracy'])
    const row = [0.2, 0.2, 0.2, 0.2, 0.1, 0.05, 0.05]
    tally.add({ probabilities: Float32Array.from([...row, ...row]), labels: [4, 6], count: 2 })
    assert.deepEqual(tally.figures(), { top5Accuracy: 0.5 })
  })
})

test('the area under the ROC curve is the chance of ranking right', () => {
  fc.assert(
    fc.property(fc.array(fc.tuple(fc.nat(5), fc.boolean()), { maxLength: 30 }), (examples) => {
      const positive = examples.filter(([, is]) => is)
      const negative = examples.filter(([, is]) => !is)
      const wins = positive.flatMap(([p]) =>
        negative.map(([q]): number => (p > q ? 1 : p === q ? 0.5 : 0)),
      )
      const area = areaUnderRoc(
        Float32Array.from(examples, ([score]) => score),
        (i) => examples[i]![1],
      )
      if (wins.length === 0) return assert.equal(area, undefined)
      return assertClose([area!], [wins.reduce((a, b) => a + b) / wins.length], 1e-12, 'area')
    }),
  )
})

function streamed(
  tally: Tally,
  probabilities: Float32Array,
  labels: ArrayLike<number>,
  units: number,
  batch: number,
): void {
  for (let start = 0; start < labels.length; start += batch) {
    const part = Array.from(labels).slice(start, start + batch)
    const rows = probabilities.slice(start * units, (start + part.length) * units)
    tally.add({ probabilities: rows, labels: part, count: part.length })
  }
}

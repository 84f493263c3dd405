import assert from 'node:assert/strict'
import { describe, test } from 'node:test'

import { gradients } from '../../src/program/autodiff.ts'
import { Builder } from '../../src/program/builder.ts'
import { evaluate } from '../../src/program/evaluate.ts'
import { LOSSES, weightedMean, type LossName } from '../../src/training/losses.ts'
import { assertClose } from '../support/compare.ts'

describe('losses', () => {
  for (const name of Object.keys(LOSSES) as LossName[]) {
    test(`${name}: at logits of +-100 finite, with the gradient (probability - target) / n`, () => {
      const units = LOSSES[name].activation === 'sigmoid' ? 1 : 2
      const logits =
        units === 1 ? [100, 100, -100, -100] : [100, -100, 100, -100, -100, 100, -100, 100]
      const targets = units === 1 ? [1, 0, 1, 0] : [1, 0, 0, 1, 1, 0, 0, 1]
      const got = lossOf(name, 4, units, logits, targets)
      const gap = units === 1 ? 100 : 200
      assertClose(got.loss, [(0 + gap + gap + 0) / 4], 1e-12, 'loss')
      const wrong = units === 1 ? [0, 1, -1, 0] : [0, 0, 1, -1, -1, 1, 0, 0]
      assertClose(
        got.slope,
        wrong.map((v) => v / 4),
        1e-12,
        'gradient',
      )
    })
  }

  test('the weighted mean divides by the number of examples, not by the weights', () => {
    const b = new Builder()
    const perExample = b.input('l', [3])
    b.entry('run', {
      fetches: {
        loss: weightedMean(b, perExample, b.input('w', [3])),
        plain: weightedMean(b, perExample),
      },
      updates: [],
    })
    const got = evaluate(b.program(), 'run', { l: [1, 2, 3], w: [2, 0, 0] }).fetches
    assertClose(got.loss, [2 / 3], 1e-12, 'weighted')
    assertClose(got.plain, [2], 1e-12, 'plain')
  })

  test('label smoothing: towards a half, or towards one of the classes', () => {
    // At logits of zero the loss does not show the targets, its gradient does: probability - target.
    const binary = lossOf('BinaryCrossentropy', 1, 1, [0], [1], 0.2)
    assertClose(binary.slope, [0.5 - 0.9], 1e-7, 'binary')
    const categorical = lossOf('CategoricalCrossentropy', 1, 4, [0, 0, 0, 0], [0, 1, 0, 0], 0.2)
    assertClose(categorical.slope, [0.2, 0.25 - 0.85, 0.2, 0.2], 1e-7, 'categorical')
  })

  test('no smoothing builds no nodes for it', () => {
    const count = (labelSmoothing: number | undefined): number => {
      const b = new Builder()
      const targets = b.input('targets', [2, 3])
      LOSSES.CategoricalCrossentropy.perExample(b, b.input('x', [2, 3]), targets, {
        labelSmoothing,
      })
      return b.nodes.length
    }
    assert.equal(count(0), 3)
    assert.equal(count(undefined), 3)
  })
})

function lossOf(
  name: LossName,
  n: number,
  units: number,
  logits: number[],
  targets: number[],
  labelSmoothing = 0,
) {
  const b = new Builder()
  const x = b.input('x', [n, units])
  const perExample = LOSSES[name].perExample(b, x, b.input('z', [n, units]), { labelSmoothing })
  const loss = weightedMean(b, perExample)
  const [slope] = gradients(b, loss, [x])
  b.entry('run', { fetches: { loss, slope: slope! }, updates: [] })
  return evaluate(b.program(), 'run', { x: logits, z: targets }).fetches
}

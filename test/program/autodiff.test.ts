import assert from 'node:assert/strict'
import { describe, test } from 'node:test'

import { gradients } from '../../src/program/autodiff.ts'
import { Builder, reach } from '../../src/program/builder.ts'
import { evaluate } from '../../src/program/evaluate.ts'
import type { Tensor } from '../../src/program/program.ts'
import { stream } from '../../src/util/rng.ts'
import { assertClose } from '../support/compare.ts'
import { normals } from '../support/values.ts'

type Loss = (b: Builder, x: Tensor, y: Tensor) => Tensor

/** Losses of two tensors [3, 4], none of whose kinks lie where the random inputs do. */
const LOSSES: Readonly<Record<string, Loss>> = {
  'one tensor used in many places': (b, x, y) =>
    total(b, b.multiply(b.add(x, y), b.subtract(b.square(x), b.multiply(x, b.sigmoid(y))))),
  'a chain of activations': (b, x, y) =>
    total(b, b.tanh(b.softplus(b.relu6(b.add(b.multiply(x, b.scalar(3)), b.relu(y)))))),
  'roots, logarithms, powers': (b, x, y) => {
    const positive = b.add(b.square(x), b.scalar(0.5))
    return total(b, b.add(b.multiply(b.log(positive), b.rsqrt(positive)), b.power(positive, y)))
  },
  'broadcast both ways': (b, x, y) => {
    const column = b.reshape(b.reduceSum(x, [1]), [3, 1])
    const row = b.reduceMean(y, [0])
    return total(
      b,
      b.divide(b.multiply(column, row), b.add(b.exp(b.negative(column)), b.scalar(1))),
    )
  },
  'matrices, transposed in every way': (b, x, y) => {
    const square = b.add(
      b.matMul(x, y, false, true),
      b.matMul(b.transpose(x, [1, 0]), y, true, true),
    )
    return total(
      b,
      b.square(b.matMul(b.matMul(x, y, true), square.shape[0] === 3 ? y : x, false, true)),
    )
  },
  'cut, padded, joined': (b, x, y) => {
    const left = b.slice(x, [0, 1], [3, 2])
    const wide = b.pad(
      left,
      [
        [0, 0],
        [1, 3],
      ],
      2,
    )
    return total(b, b.square(b.concat([wide, y, left], 1)))
  },
  'largest of rows, of all, of two': (b, x, y) => {
    const rows = b.reduceMax(b.multiply(x, y), [1], true)
    const all = b.reduceMax(x, [0, 1])
    return total(b, b.multiply(b.maximum(x, y), b.add(rows, b.multiply(all, b.minimum(x, y)))))
  },
  'a softmax by hand and from the table': (b, x, y) => {
    const e = b.exp(b.subtract(x, b.reduceMax(x, [1], true)))
    const byHand = b.divide(e, b.reduceSum(e, [1], true))
    return total(b, b.multiply(b.subtract(byHand, b.softmax(y)), b.softmax(b.add(x, y))))
  },
  'cross-entropies, also by their targets': (b, x, y) =>
    b.add(
      total(b, b.softmaxCrossEntropy(x, b.softmax(y))),
      total(b, b.sigmoidCrossEntropy(y, b.sigmoid(x))),
    ),
  'cross-entropy of targets that do not sum to one': (b, x, y) =>
    total(b, b.softmaxCrossEntropy(x, b.square(y))),
  'batch normalization': (b, x, y) => {
    const centered = b.subtract(x, b.reduceMean(x, [0]))
    const variance = b.reduceMean(b.square(centered), [0])
    return total(b, b.multiply(b.multiply(centered, b.rsqrt(b.add(variance, b.scalar(1e-3)))), y))
  },
  'batch normalization, fused': (b, x, y) => {
    const [gamma, beta] = [b.reduceMean(y, [0]), b.reduceMax(y, [0])]
    const [normalized] = b.batchNorm(b.square(x), gamma, beta, 1e-3)
    return total(b, b.multiply(normalized, y))
  },
  'a gradient of a gradient': (b, x, y) => {
    const inner = total(b, b.multiply(b.square(b.relu(x)), b.exp(y)))
    return total(b, b.square(gradients(b, inner, [x])[0]!))
  },
}

describe('gradients agree with finite differences', () => {
  for (const [name, build] of Object.entries(LOSSES)) {
    test(name, () => {
      const b = new Builder()
      const x = b.input('x', [3, 4])
      const y = b.input('y', [3, 4])
      const loss = build(b, x, y)
      const [dx, dy] = gradients(b, loss, [x, y])
      b.entry('run', { fetches: { loss, dx: dx!, dy: dy! }, updates: [] })
      const program = b.program()

      const random = stream('differences', name)
      const at = { x: normals(random, 12), y: normals(random, 12) }
      const got = evaluate(program, 'run', at).fetches
      for (const input of ['x', 'y'] as const) {
        const slope = Float64Array.from(at[input], (_, i) => {
          const moved = (by: number): number => {
            const near = Float64Array.from(at[input])
            near[i]! += by
            return evaluate(program, 'run', { ...at, [input]: near }).fetches.loss![0]!
          }
          return (moved(1e-5) - moved(-1e-5)) / 2e-5
        })
        assertClose(got[`d${input}`], slope, 1e-7, `gradient by ${input}`)
      }
    })
  }
})

describe('the walk', () => {
  test('builds nothing below the lowest target, and nothing for a side path', () => {
    const b = new Builder()
    const frozen = b.exp(b.exp(b.input('x', [2, 2])))
    const w = b.variable('w', [2, 2], new Float32Array(4))
    const side = b.tanh(b.log(frozen))
    const loss = total(b, b.multiply(b.matMul(frozen, w), side))
    const before = b.nodes.length
    gradients(b, loss, [w])
    const ops = b.nodes.slice(before).map((node) => node.op)
    assert.deepEqual(ops, ['constant', 'reshape', 'broadcastTo', 'multiply', 'matMul'])
  })

  test('no gradient of a frozen kernel, none of what lies below the lowest trainable one', () => {
    const b = new Builder()
    const attributes = { strides: [1, 1], padding: 'same', dilations: [1, 1] } as const
    const pool = { size: [2, 2], strides: [2, 2], padding: 'same' } as const
    const kernel = (): Tensor => b.constant(new Float32Array(9), [3, 3, 1, 1])
    const w = b.variable('w', [3, 3, 1, 1], new Float32Array(9))
    const below = b.maxPool(b.conv2d(b.input('x', [1, 8, 8, 1]), kernel(), attributes), pool)
    const trained = b.depthwiseConv2d(below, w, attributes)
    const above = b.avgPool(b.conv2d(trained, kernel(), attributes), pool)
    const loss = total(b, above)
    const before = b.nodes.length
    gradients(b, loss, [w])
    const ops = b.nodes.slice(before).map((node) => node.op)
    assert.deepEqual(ops, [
      ...['constant', 'reshape', 'broadcastTo'],
      ...['avgPoolGradient', 'conv2dInputGradient', 'depthwiseConv2dKernelGradient'],
    ])
  })

  test('a loss that depends on no target, or a target the loss does not see: undefined', () => {
    const b = new Builder()
    const x = b.input('x', [2])
    const w = b.variable('w', [2], new Float32Array(2))
    const unseen = b.variable('unseen', [2], new Float32Array(2))
    const nodes = b.nodes.length
    assert.deepEqual(gradients(b, total(b, x), [w]), [undefined])
    assert.equal(b.nodes.length, nodes + 1)
    const [seen, none] = gradients(b, total(b, b.multiply(x, w)), [w, unseen])
    assert.deepEqual([seen?.shape, none], [[2], undefined])
  })

  test('a target in the middle, beside one below it', () => {
    const b = new Builder()
    const x = b.input('x', [])
    const middle = b.square(x)
    const [bottom, between] = gradients(b, b.exp(middle), [x, middle])
    b.entry('run', { fetches: { bottom: bottom!, between: between! }, updates: [] })
    const got = evaluate(b.program(), 'run', { x: [0.5] }).fetches
    assertClose(got.between, [Math.exp(0.25)], 1e-12, 'middle')
    assertClose(got.bottom, [Math.exp(0.25)], 1e-12, 'bottom')
  })

  test('the loss itself as a target has the gradient 1', () => {
    const b = new Builder()
    const loss = total(b, b.input('x', [2]))
    const [one] = gradients(b, loss, [loss])
    b.entry('run', { fetches: { one: one! }, updates: [] })
    assert.deepEqual([...evaluate(b.program(), 'run').fetches.one!], [1])
  })

  test('nothing flows through integers', () => {
    const b = new Builder()
    const x = b.input('x', [2])
    const whole = b.cast(b.cast(x, 'int32'), 'float32')
    assert.deepEqual(gradients(b, total(b, whole), [x]), [undefined])
  })

  test('backward nodes carry the layer of their forward node', () => {
    const b = new Builder()
    const w = b.variable('w', [3, 1], new Float32Array(3))
    const y = b.inLayer('dense', () => b.matMul(b.input('x', [2, 3]), w))
    const loss = b.inLayer('loss', () => total(b, b.square(y)))
    const [slope] = gradients(b, loss, [w])
    const layers = new Set([...reach([slope!])].map((node) => node.layer))
    assert.equal(slope!.node.layer, 'dense')
    assert.deepEqual(layers, new Set(['dense', 'loss', undefined]))
  })

  test('of a normalization only what is asked for; none through its statistics', () => {
    const b = new Builder()
    const [gamma, beta] = ['gamma', 'beta'].map((name) =>
      b.variable(name, [2], Float32Array.of(1, 2)),
    )
    const [y, mean, variance] = b.batchNorm(b.input('x', [3, 2]), gamma!, beta!, 1e-3)
    const [dGamma, none] = gradients(b, total(b, b.square(y)), [gamma!, b.input('z', [])])
    assert.equal(dGamma!.node.op, 'batchNormGradient')
    assert.equal(dGamma!.index, 1)
    assert.equal(none, undefined)
    for (const statistic of [mean, variance]) {
      const loss = b.add(total(b, y), total(b, statistic))
      assert.throws(() => gradients(b, loss, [beta!]), /no gradient through its mean and variance/)
    }
  })

  test('refuses a loss that is not one number', () => {
    const b = new Builder()
    const x = b.input('x', [2])
    assert.throws(() => gradients(b, x, [x]), /TypeError: a loss is one number, got \[2\]/)
  })

  test('names the op without a gradient and its layer', () => {
    const b = new Builder()
    const w = b.variable('w', [1, 1, 1, 1], new Float32Array(1))
    const attributes = { strides: [1, 1], padding: 'same', dilations: [1, 1] } as const
    const x = b.input('x', [1, 2, 2, 1])
    const inputShape = [1, 2, 2, 1]
    const y = b.inLayer('conv1', () => b.conv2dInputGradient(x, w, { ...attributes, inputShape }))
    const message = /conv2dInputGradient has no gradient \(layer conv1\)/
    assert.throws(() => gradients(b, total(b, y), [w]), message)
  })
})

function total(b: Builder, x: Tensor): Tensor {
  return b.reduceSum(
    x,
    x.shape.map((_, axis) => axis),
  )
}

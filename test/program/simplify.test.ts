import assert from 'node:assert/strict'
import { describe, test } from 'node:test'

import fc from 'fast-check'

import { gradients } from '../../src/program/autodiff.ts'
import { Builder } from '../../src/program/builder.ts'
import { evaluate } from '../../src/program/evaluate.ts'
import { expandUpdates } from '../../src/program/expand-updates.ts'
import type { Tensor } from '../../src/program/program.ts'
import { simplify } from '../../src/program/simplify.ts'
import { updatesFor } from '../../src/training/optimizers.ts'
import { assertClose } from '../support/compare.ts'
import { programOf, randomSteps } from '../support/random-program.ts'

test('a simplified program gives the same values, with no more nodes', () => {
  fc.assert(
    fc.property(randomSteps, (steps) => {
      const program = programOf(steps)
      const simple = simplify(program)
      assert.ok(simple.nodes.length <= program.nodes.length)
      const feeds = { x: [0.3, -1.2, 2], learningRate: [0.1] }
      for (const entry of ['run', 'train']) {
        const want = evaluate(program, entry, feeds)
        const got = evaluate(simple, entry, feeds)
        for (const [key, value] of Object.entries(want.fetches)) {
          assertClose(got.fetches[key], value, 1e-6, key)
        }
        for (const [name, value] of want.variables) {
          assertClose(got.variables.get(name), value, 1e-6, name)
        }
      }
    }),
    { numRuns: 200 },
  )
})

test('what is simple already stays', () => {
  fc.assert(
    fc.property(randomSteps, (steps) => {
      const program = programOf(steps)
      const once = simplify(program)
      assert.ok(simplify(once).nodes.length <= once.nodes.length)
    }),
    { numRuns: 50 },
  )
})

describe('what it makes of', () => {
  const CASES: Readonly<Record<string, [(b: Builder, x: Tensor) => Tensor, string[]]>> = {
    'reshapes in a row': [
      (b, x) => b.relu(b.reshape(b.reshape(x, [6]), [3, 2])),
      ['input', 'reshape', 'relu'],
    ],
    'reshapes there and back': [
      (b, x) => b.relu(b.reshape(b.reshape(x, [6]), [2, 3])),
      ['input', 'relu'],
    ],
    'transposes there and back': [
      (b, x) => b.relu(b.transpose(b.transpose(x, [1, 0]), [1, 0])),
      ['input', 'relu'],
    ],
    'a product with one, a sum with zero': [
      (b, x) => b.add(b.multiply(b.scalar(1), x), b.constant(new Float32Array(3), [3])),
      ['input'],
    ],
    'a zero that broadcasts: kept, the shape needs it': [
      (b, x) => b.add(b.reshape(x, [6]), b.constant(new Float32Array(12), [2, 6])),
      ['input', 'reshape', 'constant', 'add'],
    ],
    'arithmetic of constants': [
      (b, x) => b.multiply(x, b.sqrt(b.add(b.scalar(1), b.square(b.scalar(2))))),
      ['input', 'constant', 'multiply'],
    ],
    'a broadcast before a product': [
      (b, x) => b.multiply(b.broadcastTo(b.reduceMean(x, [0]), [2, 3]), x),
      ['input', 'reduceMean', 'multiply'],
    ],
    'the same twice': [
      (b, x) => b.add(b.exp(x), b.multiply(b.exp(x), b.tanh(b.exp(x)))),
      ['input', 'exp', 'tanh', 'multiply', 'add'],
    ],
  }
  for (const [name, [build, ops]] of Object.entries(CASES)) {
    test(name, () => {
      const b = new Builder()
      b.entry('run', { fetches: { y: build(b, b.input('x', [2, 3])) }, updates: [] })
      const simple = simplify(b.program())
      assert.deepEqual(
        simple.nodes.map((n) => n.op),
        ops,
      )
    })
  }

  test('-0 and 0: not the same constant', () => {
    const b = new Builder()
    const x = b.input('x', [])
    const quotients = [b.divide(x, b.scalar(0)), b.divide(x, b.scalar(-0))] as const
    b.entry('run', { fetches: { a: quotients[0], b: quotients[1] }, updates: [] })
    const { fetches } = evaluate(simplify(b.program()), 'run', { x: [1] })
    assert.deepEqual([fetches.a![0], fetches.b![0]], [Infinity, -Infinity])
  })

  test('paddings with Infinity and with -Infinity: not the same node', () => {
    const b = new Builder()
    const x = b.input('x', [1])
    const fetches = { a: b.pad(x, [[1, 0]], Infinity), b: b.pad(x, [[1, 0]], -Infinity) }
    b.entry('run', { fetches, updates: [] })
    const got = evaluate(simplify(b.program()), 'run', { x: [1] }).fetches
    assert.deepEqual([got.a![0], got.b![0]], [Infinity, -Infinity])
  })

  test("Adam's updates: the corrections of the rate once, not once a weight", () => {
    const b = new Builder()
    const weights = ['u', 'v'].map((name) => b.variable(name, [3], Float32Array.of(1, 2, 3)))
    const loss = b.reduceSum(b.multiply(b.square(weights[0]!), weights[1]!), [0])
    const slopes = gradients(b, loss, weights)
    const trained = ['u', 'v'].map((name, i) => ({ name, shape: [3], gradient: slopes[i]! }))
    const { updates } = updatesFor(b, { name: 'Adam' }, trained)
    b.entry('train', { fetches: { loss }, updates })
    const simple = simplify(expandUpdates(b.program()))
    assert.equal(simple.nodes.filter((n) => n.op === 'power').length, 2)
  })
})

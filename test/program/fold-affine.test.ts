import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Builder } from '../../src/program/builder.ts'
import { evaluate } from '../../src/program/evaluate.ts'
import type { Program, Tensor } from '../../src/program/program.ts'
import { simplify } from '../../src/program/simplify.ts'
import { stream } from '../../src/util/rng.ts'
import { assertClose } from '../support/compare.ts'

const SAME = { strides: [1, 1], padding: 'same', dilations: [1, 1] } as const
const random = stream(7, 'fold-affine')
const numbers = (count: number) => Float32Array.from({ length: count }, () => random.normal())

function ops(program: Program): string {
  const counted = program.nodes.map(({ op }) => op).filter((op) => op !== 'constant')
  return counted.join(' ')
}

/** The ops that are left, once the values are found to be the same. */
function left(build: (b: Builder, x: Tensor) => Tensor, shape: readonly number[] = [2, 4, 3, 2]) {
  const b = new Builder()
  b.entry('run', { fetches: { y: build(b, b.input('x', shape)) }, updates: [] })
  const program = b.program()
  const simple = simplify(program)
  const feeds = { x: numbers(shape.reduce((product, n) => product * n, 1)) }
  const want = evaluate(program, 'run', feeds).fetches['y']!
  assertClose(evaluate(simple, 'run', feeds).fetches['y'], want, 1e-6, 'y')
  return ops(simple)
}

const kernel = (b: Builder, out = 3) => b.constant(numbers(9 * 2 * out), [3, 3, 2, out])
const channels = (b: Builder, count = 3) => b.constant(numbers(count), [count])

const FOLDED: Readonly<Record<string, [string, (b: Builder, x: Tensor) => Tensor]>> = {
  'a factor and an offset': [
    'input conv2d biasAdd',
    (b, x) => b.add(b.multiply(b.conv2d(x, kernel(b), SAME), channels(b)), channels(b)),
  ],
  'the factor in front, and an offset that is taken off': [
    'input conv2d biasAdd',
    (b, x) => b.subtract(b.multiply(channels(b), b.conv2d(x, kernel(b), SAME)), channels(b)),
  ],
  'one number for all channels, and one a channel with all axes': [
    'input conv2d biasAdd',
    (b, x) => {
      const scaled = b.multiply(b.conv2d(x, kernel(b), SAME), b.scalar(0.3))
      return b.add(scaled, b.constant(numbers(3), [1, 1, 1, 3]))
    },
  ],
  'a bias before the factor': [
    'input conv2d biasAdd relu',
    (b, x) => {
      const biased = b.biasAdd(b.conv2d(x, kernel(b), SAME), channels(b))
      return b.relu(b.biasAdd(b.multiply(biased, channels(b)), channels(b)))
    },
  ],
  'a depthwise convolution of two filters a channel': [
    'input depthwiseConv2d biasAdd',
    (b, x) => {
      const depthwise = b.depthwiseConv2d(x, b.constant(numbers(36), [3, 3, 2, 2]), SAME)
      return b.add(b.multiply(depthwise, channels(b, 4)), channels(b, 4))
    },
  ],
  'a product of matrices': [
    'input reshape matMul biasAdd',
    (b, x) => {
      const product = b.matMul(b.reshape(x, [2, 24]), b.constant(numbers(72), [24, 3]))
      return b.add(b.multiply(product, channels(b)), channels(b))
    },
  ],
}
for (const [name, [want, build]] of Object.entries(FOLDED)) {
  test(`${name} become part of the convolution`, () => {
    assert.equal(left(build), want)
  })
}

const KEPT: Readonly<Record<string, [string, (b: Builder, x: Tensor) => Tensor]>> = {
  'what something else takes too': [
    'input conv2d multiply add',
    (b, x) => {
      const y = b.conv2d(x, kernel(b), SAME)
      return b.add(b.multiply(y, channels(b)), y)
    },
  ],
  'a bias that something else takes too': [
    'input conv2d biasAdd multiply add',
    (b, x) => {
      const y = b.biasAdd(b.conv2d(x, kernel(b), SAME), channels(b))
      return b.add(b.multiply(y, channels(b)), y)
    },
  ],
  'a kernel that is trained': [
    'variable input conv2d multiply',
    (b, x) => {
      const variable = b.variable('kernel', [3, 3, 2, 3], numbers(54))
      return b.multiply(b.conv2d(x, variable, SAME), channels(b))
    },
  ],
  'a factor that is no constant': [
    'input conv2d reduceMean multiply',
    (b, x) => b.multiply(b.conv2d(x, kernel(b), SAME), b.reduceMean(x, [1, 2, 3], true)),
  ],
  'a factor for each row': [
    'input conv2d multiply',
    (b, x) => b.multiply(b.conv2d(x, kernel(b), SAME), b.constant(numbers(4), [4, 1, 1])),
  ],
  'a factor that makes more of it': [
    'input conv2d multiply',
    (b, x) => b.multiply(b.conv2d(x, kernel(b, 1), SAME), channels(b)),
  ],
}
for (const [name, [want, build]] of Object.entries(KEPT)) {
  test(`${name}: stays as it is`, () => {
    assert.equal(left(build), want)
  })
}

test('entries go on sharing a folded kernel', () => {
  const b = new Builder()
  const [k, scale] = [kernel(b), channels(b)]
  for (const batch of [1, 5]) {
    const x = b.input('x', [batch, 4, 3, 2])
    const y = b.multiply(b.conv2d(x, k, SAME), scale)
    b.entry(`run@${batch}`, { fetches: { y }, updates: [] })
  }
  const simple = simplify(b.program())
  assert.equal(ops(simple), 'input conv2d input conv2d')
  assert.equal(simple.nodes.filter(({ op }) => op === 'constant').length, 1)
})

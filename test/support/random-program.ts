import fc from 'fast-check'

import { gradients } from '../../src/program/autodiff.ts'
import { Builder } from '../../src/program/builder.ts'
import type { Program, Tensor } from '../../src/program/program.ts'
import { updatesFor } from '../../src/training/optimizers.ts'
import { stream } from '../../src/util/rng.ts'
import { normals } from './values.ts'

/** Steps that a random program is made of; a TypeError says that the shapes do not fit, and the step is left out. */
const STEPS: readonly ((b: Builder, x: Tensor, y: Tensor) => Tensor)[] = [
  (b, x, y) => b.add(x, y),
  (b, x, y) => b.multiply(x, y),
  (b, x, y) => b.subtract(x, y),
  (b, x, y) => b.maximum(x, y),
  (b, x) => b.tanh(x),
  (b, x) => b.sigmoid(b.negative(x)),
  (b, x) => b.negative(x),
  (b, x) => b.relu6(x),
  (b, x) => b.softmax(x),
  (b, x) => b.multiply(x, b.scalar(1)),
  (b, x) => b.add(b.scalar(0), x),
  (b, x) => b.reshape(b.reshape(x, [x.shape.reduce((p, n) => p * n, 1)]), x.shape),
  (b, x) =>
    b.transpose(
      x,
      x.shape.map((_, i) => x.shape.length - 1 - i),
    ),
  (b, x) => b.broadcastTo(x, [2, 3, 3]),
  (b, x, y) => b.multiply(b.broadcastTo(x, y.shape), y),
  (b, x) => b.reduceMean(x, [0], true),
  (b, x) => b.reduceMax(x, [x.shape.length - 1]),
  (b, x) =>
    b.pad(
      x,
      x.shape.map(() => [1, 0] as const),
      Infinity,
    ),
  (b, x) =>
    b.pad(
      x,
      x.shape.map(() => [0, 1] as const),
      -0.5,
    ),
  (b, x) =>
    b.slice(
      x,
      x.shape.map((n) => n - 1),
      x.shape.map(() => 1),
    ),
  (b, x, y) => b.concat([x, y, x], 0),
  (b, x, y) => b.matMul(x, y, true, false),
  (b, x) => b.cast(b.cast(b.minimum(b.maximum(x, b.scalar(-9)), b.scalar(9)), 'int32'), 'float32'),
  (b) => b.constant(Float32Array.of(0.5, -0, 2), [3]),
  (b, x) => {
    const row = b.constant(
      normals(stream('row', x.shape.at(-1)!), x.shape.at(-1)!),
      x.shape.slice(-1),
    )
    const [y, mean, variance] = b.batchNorm(x, row, b.square(row), 0.1)
    return b.add(b.multiply(y, mean), b.tanh(variance))
  },
  (b, x) => b.inLayer('deep', () => b.square(b.tanh(x))),
]

type Steps = readonly (readonly [number, number, number])[]

/** Which step on which two tensors before it: what `programOf` makes a program of. */
export const randomSteps: fc.Arbitrary<Steps> = fc.array(
  fc.tuple(fc.nat(STEPS.length - 1), fc.nat(50), fc.nat(50)),
  { minLength: 1, maxLength: 25 },
)

/** A program with an input `x` [3], variables, an entry `run`, and an entry `train` with a rule and an assignment. */
export function programOf(steps: Steps): Program {
  const b = new Builder()
  const w = b.variable('w', [3, 3], normals(stream('w'), 9))
  const count = b.variable('count', [], Float32Array.of(1))
  const pool = [b.input('x', [3]), w, b.constant(normals(stream('c'), 6), [2, 3]), b.scalar(2)]
  for (const [step, first, second] of steps) {
    const x = pool[pool.length - 1 - (first % pool.length)]!
    const y = pool[pool.length - 1 - (second % pool.length)]!
    try {
      pool.push(STEPS[step]!(b, x, y))
    } catch (error) {
      if (!(error instanceof TypeError)) throw error
    }
  }
  const last = pool.slice(-2)
  b.entry('run', { fetches: { a: last[0]!, b: last[1]! }, updates: [] })
  const bounded = b.tanh(b.add(w, b.reduceMean(w, [0, 1])))
  const loss = b.reduceMean(bounded, [0, 1])
  const weights = [{ name: 'w', shape: [3, 3], gradient: gradients(b, loss, [w])[0]! }]
  const { updates } = updatesFor(b, { name: 'AdamW' }, weights, { step: count })
  const next = { kind: 'assign', variable: 'count', value: b.add(count, b.scalar(1)) } as const
  b.entry('train', { fetches: { loss }, updates: [...updates, next] })
  return b.program()
}

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { plan } from '../../../src/engines/webgpu/plan.ts'
import { Builder } from '../../../src/program/builder.ts'
import type { Tensor } from '../../../src/program/program.ts'

/** How many steps an entry with these fetches takes on the device. */
function steps(build: (b: Builder, x: Tensor) => Record<string, Tensor>): number {
  const b = new Builder()
  b.entry('e', { fetches: build(b, b.input('x', [4, 5, 3])), updates: [] })
  const program = b.program()
  return plan(program, program.entries['e']!).steps.length
}

test('a chain that works element by element is one step, scalars and channels included', () => {
  const chain = (b: Builder, x: Tensor) => {
    const scaled = b.multiply(b.subtract(x, b.input('mean', [3])), b.input('scale', [1, 1, 3]))
    return b.relu(b.add(b.biasAdd(scaled, b.input('bias', [3])), b.input('shift', [])))
  }
  assert.equal(
    steps((b, x) => ({ y: chain(b, x) })),
    1,
  )
  // A tensor that is read twice, or fetched, is computed once.
  const twice = (b: Builder, x: Tensor) => {
    const y = chain(b, x)
    return { y: b.multiply(b.square(y), b.sqrt(y)) }
  }
  assert.equal(steps(twice), 2)
  const fetched = (b: Builder, x: Tensor) => {
    const y = chain(b, x)
    return { y, z: b.negative(b.square(y)) }
  }
  assert.equal(steps(fetched), 2)
})

test('what is repeated along other than the first axes, or is no float, stays by itself', () => {
  assert.equal(
    steps((b, x) => ({ y: b.relu(b.add(x, b.input('row', [5, 1]))) })),
    2,
  )
  assert.equal(
    steps((b, x) => ({ y: b.add(b.cast(b.cast(x, 'int32'), 'float32'), x) })),
    3,
  )
})

test('a kernel reads seven tensors at most', () => {
  const sum = (count: number) =>
    steps((b, x) => {
      let y = x
      for (let i = 1; i < count; i += 1) y = b.add(y, b.input(`x${i}`, [4, 5, 3]))
      return { y }
    })
  assert.equal(sum(7), 1)
  assert.equal(sum(8), 2)
})

test('single numbers made of feeds are computed on the host', () => {
  const b = new Builder()
  const rate = b.multiply(b.input('rate', []), b.sqrt(b.subtract(b.scalar(1), b.input('beta', []))))
  b.entry('e', { fetches: { y: b.multiply(b.input('x', [4]), rate) }, updates: [] })
  const program = b.program()
  const { steps, host, uploads } = plan(program, program.entries['e']!)
  assert.deepEqual([steps.length, host.nodes.length, uploads.length], [1, 3, 2])
})

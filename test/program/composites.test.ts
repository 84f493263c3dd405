import assert from 'node:assert/strict'
import { describe, test } from 'node:test'

import fc from 'fast-check'

import { gradients } from '../../src/program/autodiff.ts'
import { Builder } from '../../src/program/builder.ts'
import { evaluate } from '../../src/program/evaluate.ts'
import { expandComposites } from '../../src/program/expand-composites.ts'
import { sizeOf, type Program } from '../../src/program/program.ts'
import { decodeProgram, encodeProgram } from '../../src/program/serialize.ts'
import { stream } from '../../src/util/rng.ts'
import { assertClose } from '../support/compare.ts'
import { applied, randomWindow, type RandomWindow } from '../support/random-window.ts'
import { normals } from '../support/values.ts'

/** The window on x and kernel, and its gradients for a given dy. */
function programOf(window: RandomWindow): {
  program: Program
  feeds: Record<string, Float32Array>
} {
  const b = new Builder()
  const x = b.input('x', window.x)
  const kernel = b.input('kernel', window.kernel)
  const y = applied(b, window, x, kernel)
  const dy = b.input('dy', y.shape)
  const loss = b.reduceSum(b.multiply(y, dy), [0, 1, 2, 3])
  const [dx, dKernel] = gradients(b, loss, [x, kernel])
  const fetches = { loss, y, dx: dx!, ...(dKernel ? { dKernel } : {}) }
  b.entry('run', { fetches, updates: [] })
  const random = stream('window', JSON.stringify(window))
  const all = { x, kernel, dy }
  const feeds = Object.entries(all).map(([name, t]) => [name, normals(random, sizeOf(t.shape))])
  return { program: b.program(), feeds: Object.fromEntries(feeds) as Record<string, Float32Array> }
}

const dot = (a: ArrayLike<number>, b: ArrayLike<number>): number =>
  Array.from(a).reduce((sum, v, i) => sum + v * b[i]!, 0)

describe('composite ops', () => {
  test('agree with finite differences', () => {
    fc.assert(
      fc.property(randomWindow(), (window) => {
        const { program, feeds } = programOf(window)
        const got = evaluate(program, 'run', feeds).fetches
        for (const [input, gradient] of [
          ['x', got.dx!],
          ['kernel', got.dKernel],
        ] as const) {
          if (!gradient) continue
          // Three of the numbers, of which each is one partial derivative.
          for (const part of [0.1, 0.5, 0.9]) {
            const i = Math.floor(part * gradient.length)
            const moved = (by: number): number => {
              const near = Float64Array.from(feeds[input]!)
              near[i]! += by
              return evaluate(program, 'run', { ...feeds, [input]: near }).fetches.loss![0]!
            }
            const slope = (moved(1e-5) - moved(-1e-5)) / 2e-5
            assert.ok(
              Math.abs(slope - gradient[i]!) < 1e-6,
              `${input} ${i}: ${gradient[i]}, ${slope}`,
            )
          }
        }
      }),
      // The same ones each time: with others the two highest in a window might be nearer than the step.
      { numRuns: 100, seed: 1 },
    )
  })

  test('<f(x), dy> = <x, gradient(dy)> where f is linear in x', () => {
    fc.assert(
      fc.property(randomWindow(['conv2d', 'depthwiseConv2d', 'avgPool']), (window) => {
        const { program, feeds } = programOf(window)
        const { y, dx, dKernel } = evaluate(program, 'run', feeds).fetches
        const want = dot(y!, feeds.dy!)
        assertClose([dot(dx!, feeds.x!)], [want], 1e-9, 'by x', 1)
        if (dKernel) assertClose([dot(dKernel, feeds.kernel!)], [want], 1e-9, 'by kernel', 1)
      }),
      { numRuns: 200 },
    )
  })

  test('said in simpler ops they are the same, and none is left', () => {
    fc.assert(
      fc.property(randomWindow(), (window) => {
        const { program, feeds } = programOf(window)
        // Ties, as after a relu: the first of equal ones.
        feeds.x = feeds.x!.map((v) => Math.max(0, v))
        const want = evaluate(program, 'run', feeds).fetches
        const expanded = expandComposites(program)
        assert.deepEqual(
          expanded.nodes.filter(({ op }) => op.endsWith('Gradient') && !op.startsWith('relu')),
          [],
        )
        const got = evaluate(expanded, 'run', feeds).fetches
        for (const [name, value] of Object.entries(want)) {
          assertClose(got[name], value, 1e-6, name)
        }
      }),
      { numRuns: 300 },
    )
  })

  test('so is a normalization, and its gradients', () => {
    fc.assert(
      fc.property(
        fc.array(fc.integer({ min: 1, max: 4 }), { minLength: 2, maxLength: 4 }),
        (shape) => {
          const b = new Builder()
          const x = b.input('x', shape)
          const row = b.input('row', shape.slice(-1))
          const [y, mean, variance] = b.batchNorm(x, row, b.square(row), 1e-2)
          const dy = b.input('dy', shape)
          const axes = shape.map((_, axis) => axis)
          const [dx, dRow] = gradients(b, b.reduceSum(b.multiply(y, dy), axes), [x, row])
          const fetches = { y, mean, variance, dx: dx!, dRow: dRow! }
          b.entry('run', { fetches, updates: [] })
          const random = stream('normalization', shape.join())
          const all = Object.entries({ x, row, dy })
          const feeds = Object.fromEntries(
            all.map(([k, t]) => [k, normals(random, sizeOf(t.shape))]),
          )
          const want = evaluate(b.program(), 'run', feeds).fetches
          const expanded = expandComposites(b.program())
          assert.ok(expanded.nodes.every(({ op }) => !op.startsWith('batchNorm')))
          const got = evaluate(expanded, 'run', feeds).fetches
          for (const [name, value] of Object.entries(want)) {
            assertClose(got[name], value, 1e-6, name, 1)
          }
        },
      ),
      { numRuns: 100 },
    )
  })

  test('nothing is expanded where an engine has all kernels, or there is nothing to expand', () => {
    const window = { op: 'conv2d', x: [1, 3, 3, 1], kernel: [3, 3, 1, 1] } as const
    const attributes = { strides: [1, 1], padding: 'same', dilations: [1, 1] } as const
    const { program } = programOf({ ...window, attributes })
    assert.equal(
      expandComposites(program, () => true),
      program,
    )
    const b = new Builder()
    b.entry('run', { fetches: { y: b.relu(b.input('x', [1])) }, updates: [] })
    const plain = b.program()
    assert.equal(expandComposites(plain), plain)
  })

  test('come back from another process as they were', () => {
    fc.assert(
      fc.property(randomWindow(), (window) => {
        const { program } = programOf(window)
        assert.deepEqual(decodeProgram(encodeProgram(program)), program)
      }),
      { numRuns: 30 },
    )
  })
})

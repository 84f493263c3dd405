import { describe, test } from 'node:test'

import fc from 'fast-check'

import type { Engine } from '../../../src/engines/engine.ts'
import { gradients } from '../../../src/program/autodiff.ts'
import { Builder } from '../../../src/program/builder.ts'
import { evaluate } from '../../../src/program/evaluate.ts'
import { sizeOf, type Program } from '../../../src/program/program.ts'
import { stream } from '../../../src/util/rng.ts'
import { assertClose } from '../../support/compare.ts'
import { applied, randomWindow, type RandomWindow } from '../../support/random-window.ts'
import { normals } from '../../support/values.ts'

/** A stride greater than the window is wide: with XNNPACK's own `same` the result is wrong. */
const LONG_STEPS: RandomWindow = {
  op: 'conv2d',
  x: [1, 6, 6, 2],
  kernel: [3, 1, 2, 1],
  attributes: { strides: [2, 2], padding: 'same', dilations: [1, 1] },
}

/** Convolutions and pools of random sizes, and gradients, against the reference interpreter. */
export function windowContract(engine: () => Engine): void {
  describe('windows of any size', () => {
    for (const op of ['conv2d', 'depthwiseConv2d', 'maxPool', 'avgPool'] as const) {
      test(`${op} and its gradients`, async () => {
        await fc.assert(
          fc.asyncProperty(randomWindow([op]), async (window) => {
            const { program, feeds } = programOf(window)
            const session = await engine().compile(program)
            const got = await session.run('run', feeds)
            await session.close()
            const want = evaluate(program, 'run', feeds).fetches
            for (const [name, value] of Object.entries(want)) {
              assertClose(got[name], value, 1e-5, `${name} of ${JSON.stringify(window)}`)
            }
          }),
          { numRuns: 25, seed: 5, examples: op === 'conv2d' ? [[LONG_STEPS]] : [] },
        )
      })
    }
  })
}

function programOf(window: RandomWindow): {
  program: Program
  feeds: Record<string, Float32Array>
} {
  const b = new Builder()
  const random = stream('window', JSON.stringify(window))
  const x = b.input('x', window.x)
  const kernel = b.variable('kernel', window.kernel, normals(random, sizeOf(window.kernel)))
  const y = applied(b, window, x, kernel)
  const dy = b.input('dy', y.shape)
  const [dx, dKernel] = gradients(b, b.reduceSum(b.multiply(y, dy), [0, 1, 2, 3]), [x, kernel])
  b.entry('run', { fetches: { y, dx: dx!, ...(dKernel ? { dKernel } : {}) }, updates: [] })
  const feeds = { x: normals(random, sizeOf(x.shape)), dy: normals(random, sizeOf(dy.shape)) }
  return { program: b.program(), feeds }
}

import { describe, test } from 'node:test'

import type { Engine } from '../../../src/engines/engine.ts'
import { Builder } from '../../../src/program/builder.ts'
import type { Program } from '../../../src/program/program.ts'
import { updatesFor, type OptimizerName } from '../../../src/training/optimizers.ts'
import { assertClose } from '../../support/compare.ts'
import { floats, readGolden, type Packed } from '../../support/golden.ts'

interface Golden {
  readonly rates: readonly number[]
  readonly weights: readonly Packed[]
  /** By step, then by weight. */
  readonly gradients: readonly (readonly Packed[])[]
  readonly runs: readonly {
    readonly name: OptimizerName
    readonly arguments: Record<string, number | boolean>
    /** After each step, by weight. */
    readonly values: readonly (readonly Packed[])[]
  }[]
}

/** Five updates of two weights against Keras 3 (goldens: test/golden/optimizers.py). */
export function optimizerContract(engine: () => Engine): void {
  const golden = readGolden<Golden>('optimizers')
  describe('optimizers', () => {
    for (const run of golden.runs) {
      test(`${run.name} ${JSON.stringify(run.arguments)}`, async () => {
        const session = await engine().compile(programOf(golden, run))
        for (const [i, want] of run.values.entries()) {
          await session.run('update', {
            learningRate: Float32Array.of(golden.rates[i]!),
            step: Float32Array.of(i + 1),
            g0: floats(golden.gradients[i]![0]!),
            g1: floats(golden.gradients[i]![1]!),
          })
          const got = await session.read()
          for (const [j, value] of want.entries()) {
            assertClose(got.get(`w${j}`), floats(value), 1e-5, `w${j} after step ${i + 1}`)
          }
        }
        await session.close()
      })
    }
  })
}

function programOf(golden: Golden, run: Golden['runs'][number]): Program {
  const b = new Builder()
  const weights = golden.weights.map((w, i) => {
    b.variable(`w${i}`, w.shape, floats(w))
    return { name: `w${i}`, shape: w.shape, gradient: b.input(`g${i}`, w.shape) }
  })
  const scalars = { learningRate: b.input('learningRate', []), step: b.input('step', []) }
  const { updates } = updatesFor(b, { name: run.name, ...run.arguments }, weights, scalars)
  b.entry('update', { fetches: {}, updates })
  return b.program()
}

import { describe, test } from 'node:test'

import type { Engine } from '../../../src/engines/engine.ts'
import { Builder } from '../../../src/program/builder.ts'
import type { Program } from '../../../src/program/program.ts'
import {
  scalarsAt,
  updatesFor,
  type OptimizerConfig,
  type OptimizerName,
} from '../../../src/training/optimizers.ts'
import { assertClose } from '../../support/compare.ts'
import { floats, readGolden, type Packed } from '../../support/golden.ts'

interface Golden {
  readonly weights: readonly Packed[]
  /** By step, then by weight. */
  readonly gradients: readonly (readonly Packed[])[]
  readonly runs: readonly {
    readonly name: OptimizerName
    readonly arguments: Record<string, number | boolean>
    /** Of each step. */
    readonly rates: readonly number[]
    /** After each step, by weight. */
    readonly values: readonly (readonly Packed[])[]
  }[]
}

/** Eight updates of two weights against Keras 3 (goldens: test/golden/optimizers.py). */
export function optimizerContract(engine: () => Engine): void {
  const golden = readGolden<Golden>('optimizers')
  describe('optimizers', () => {
    for (const run of golden.runs) {
      test(`${run.name} ${JSON.stringify(run.arguments)}`, async () => {
        const session = await engine().compile(programOf(golden, run))
        for (const [i, want] of run.values.entries()) {
          const scalars = Object.entries(scalarsAt(configOf(run), i + 1, run.rates[i]!))
          await session.run('update', {
            ...Object.fromEntries(scalars.map(([name, v]) => [name, Float32Array.of(v)])),
            g0: floats(golden.gradients[i]![0]!),
            g1: floats(golden.gradients[i]![1]!),
          })
          const got = await session.read()
          for (const [j, value] of want.entries()) {
            // How far the weight has come: a step too small is no rounding error.
            const start = floats(golden.weights[j]!)
            const change = (weight: Float32Array) => weight.map((w, k) => w - start[k]!)
            const moved = change(got.get(`w${j}`)!)
            assertClose(moved, change(floats(value)), 1e-4, `change of w${j} by step ${i + 1}`)
          }
        }
        await session.close()
      })
    }
  })
}

function configOf({ name, arguments: given }: Golden['runs'][number]): OptimizerConfig {
  return { name, ...given }
}

function programOf(golden: Golden, run: Golden['runs'][number]): Program {
  const b = new Builder()
  const weights = golden.weights.map((w, i) => {
    b.variable(`w${i}`, w.shape, floats(w))
    return { name: `w${i}`, shape: w.shape, gradient: b.input(`g${i}`, w.shape) }
  })
  const { updates } = updatesFor(b, configOf(run), weights)
  b.entry('update', { fetches: {}, updates })
  return b.program()
}

import assert from 'node:assert/strict'
import { describe, test } from 'node:test'

import type { Engine } from '../../../src/engines/engine.ts'
import type { Checkpoint } from '../../../src/training/checkpoint.ts'
import { finalWeights } from '../../../src/training/ema.ts'
import { fit } from '../../../src/training/fit.ts'
import type { LoopState } from '../../../src/training/loop-state.ts'
import type { OptimizerConfig } from '../../../src/training/optimizers.ts'
import { assertClose } from '../../support/compare.ts'
import { floats, readGolden, type Packed } from '../../support/golden.ts'
import {
  DENSE,
  denseProgram,
  fitOptions,
  keptIn,
  timeless,
  type KerasFit,
} from '../../support/keras-fit.ts'

interface Golden extends KerasFit {
  readonly runs: readonly {
    readonly optimizer: OptimizerConfig & { readonly learningRate: number }
    readonly epochs: readonly {
      readonly validationLoss: number
      readonly weights: readonly Packed[]
      readonly averages: readonly Packed[]
    }[]
    readonly weights: readonly Packed[]
  }[]
}

/** The loop with moving averages of weights against Keras 3's fit (goldens: test/golden/ema.py). */
export function emaContract(engine: () => Engine): void {
  const golden = readGolden<Golden>('ema')
  describe('averages of weights', () => {
    for (const { optimizer, epochs, weights } of golden.runs) {
      test(JSON.stringify(optimizer), async () => {
        const program = denseProgram(golden, optimizer)
        const session = await engine().compile(program)
        const saved: Checkpoint[] = []
        const options = { ...fitOptions(golden), optimizer, lastEpoch: epochs.length }
        const { history, end } = await fit({ ...options, ...keptIn(saved), session })
        const ends = saved.filter(({ state }) => (state as unknown as LoopState).batch === 0)
        assert.equal(ends.length, epochs.length)
        for (const [i, epoch] of epochs.entries()) {
          const { variables } = ends[i]!
          const when = `after epoch ${i + 1}`
          assertWeights(variables, '', epoch.weights, when)
          assertWeights(variables, 'optimizer/ema/', epoch.averages, when)
          const { loss } = history[i]!.validation!
          assertClose([loss!], [epoch.validationLoss], 1e-5, `validation loss ${when}`)
        }
        assertWeights(finalWeights(optimizer, end.variables), '', weights, 'at the end')

        // From the middle of the second epoch again, to the same bytes.
        const again = await engine().compile(program)
        const resumed = await fit({ ...options, session: again, from: () => saved[4] })
        assert.deepEqual(timeless(resumed.end), timeless(end))
        await session.close()
        await again.close()
      })
    }
  })
}

function assertWeights(
  values: ReadonlyMap<string, Float32Array>,
  prefix: string,
  want: readonly Packed[],
  when: string,
): void {
  for (const [i, name] of DENSE.entries()) {
    assertClose(values.get(prefix + name), floats(want[i]!), 1e-5, `${prefix}${name} ${when}`)
  }
}

import assert from 'node:assert/strict'
import { describe, test } from 'node:test'

import fc from 'fast-check'
import type { Session } from '../../src/engines/engine.ts'
import { openWasm } from '../../src/engines/wasm/engine.ts'
import { fit } from '../../src/training/fit.ts'
import {
  monitored,
  openCallbacks,
  type Callbacks,
  type CallbackSettings,
  type EarlyStopping,
  type ReduceLROnPlateau,
} from '../../src/training/callbacks.ts'
import type { JsonObject } from '../../src/util/json.ts'
import { assertClose } from '../support/compare.ts'
import { floats, readGolden, type Packed } from '../support/golden.ts'
import { DENSE, denseProgram, fitOptions, keptIn, type KerasFit } from '../support/keras-fit.ts'

interface Case {
  readonly better: 'higher' | 'lower'
  /** Of each epoch. */
  readonly values: readonly number[]
}
interface Golden {
  readonly earlyStopping: readonly (Case & {
    readonly settings: Pick<EarlyStopping, 'patience' | 'minDelta'>
    readonly stopped: number | null
    readonly best: number
  })[]
  readonly reduceLROnPlateau: readonly (Case & {
    readonly settings: Omit<ReduceLROnPlateau, 'monitor'>
    readonly learningRate: number
    /** After each epoch. */
    readonly rates: readonly number[]
  })[]
  readonly keepBest: readonly (Case & { readonly saved: readonly number[] })[]
  readonly fit: KerasFit & {
    readonly learningRate: number
    readonly settings: {
      readonly patience: number
      readonly minDelta: number
      readonly factor: number
      readonly plateauPatience: number
      readonly minLearningRate: number
    }
    /** Of each epoch. */
    readonly losses: readonly number[]
    readonly validationLosses: readonly number[]
    readonly rates: readonly number[]
    /** Of the best one, restored. */
    readonly weights: readonly Packed[]
  }
}

const monitorOf = ({ better }: Case): string =>
  better === 'lower' ? 'validation.loss' : 'validation.accuracy'

/** What the callbacks say after each epoch, until they stop. */
function drive(callbacks: Callbacks, { better, values }: Case) {
  const figure = better === 'lower' ? 'loss' : 'accuracy'
  const decisions = []
  for (const [i, value] of values.entries()) {
    const decision = callbacks.afterEpoch({ epoch: i + 1, validation: { [figure]: value } })
    decisions.push(decision)
    if (decision.stop) break
  }
  return decisions
}

describe('callbacks against Keras (goldens: test/golden/callbacks.py)', () => {
  const golden = readGolden<Golden>('callbacks')

  test('early stopping stops where Keras does, and has the same best epoch', () => {
    for (const run of golden.earlyStopping) {
      const earlyStopping = { ...run.settings, monitor: monitorOf(run), restoreBest: true }
      const callbacks = openCallbacks({ earlyStopping }, 0.1)
      const decisions = drive(callbacks, run)
      const stopped = decisions.at(-1)!.stop ? decisions.length : null
      assert.equal(stopped, run.stopped, JSON.stringify(run))
      assert.deepEqual(callbacks.bests(), [run.best], JSON.stringify(run))
      assert.equal(decisions.findLastIndex(({ keep }) => keep) + 1, run.best)
    }
  })

  test('the learning rate is reduced when Keras reduces it, to the same float32', () => {
    for (const run of golden.reduceLROnPlateau) {
      const reduceLROnPlateau = { ...run.settings, monitor: monitorOf(run) }
      let rate = Math.fround(run.learningRate)
      const rates = drive(openCallbacks({ reduceLROnPlateau }, run.learningRate), run).map(
        ({ learningRate = rate }) => (rate = learningRate),
      )
      assert.deepEqual(rates, run.rates, JSON.stringify(run))
    }
  })

  test('the epochs that Keras saves are kept', () => {
    for (const run of golden.keepBest) {
      const decisions = drive(openCallbacks({ keepBest: monitorOf(run) }, 0.1), run)
      const kept = decisions.flatMap(({ keep }, i) => (keep ? [i + 1] : []))
      assert.deepEqual(kept, run.saved, JSON.stringify(run))
    }
  })
})

describe('the loop with callbacks', () => {
  const golden = readGolden<Golden>('callbacks').fit
  const { patience, minDelta, factor, plateauPatience, minLearningRate } = golden.settings
  const monitor = 'validation.loss'
  const settings = {
    earlyStopping: { monitor, patience, minDelta, restoreBest: true },
    reduceLROnPlateau: { monitor, factor, patience: plateauPatience, minLearningRate },
  }
  const optimizer = { name: 'SGD', learningRate: golden.learningRate } as const

  test("goes Keras' way: losses, rates, the epoch that stops, the best one's weights", async () => {
    const engine = await openWasm()
    const session = await engine.compile(denseProgram(golden, optimizer))
    const bests = new Map<number, ReadonlyMap<string, Float32Array>>()
    const rates: number[] = []
    const watched: Session = {
      ...session,
      read: session.read.bind(session),
      write: session.write.bind(session),
      close: session.close.bind(session),
      run: (entry, feeds) => {
        if (entry === 'train@12') rates.push(feeds['learningRate']![0]!)
        return session.run(entry, feeds)
      },
    }
    const callbacks = openCallbacks(settings, golden.learningRate)
    const { checkpoints, ...kept } = keptIn([])
    const { history } = await fit({
      ...fitOptions(golden),
      ...kept,
      checkpoints: {
        ...checkpoints!,
        saveBest: async (epoch, weights) => void bests.set(epoch, weights),
      },
      callbacks,
      optimizer,
      session: watched,
      lastEpoch: 30,
    })
    const of = (split: 'train' | 'validation') => history.map((figures) => figures[split]!['loss']!)
    assertClose(of('train'), golden.losses, 1e-5, 'losses')
    assertClose(of('validation'), golden.validationLosses, 1e-5, 'validation losses')
    assert.deepEqual(rates, golden.rates)
    const best = bests.get(callbacks.bests()[0]!)!
    for (const [i, name] of DENSE.entries()) {
      assertClose(best.get(name), floats(golden.weights[i]!), 1e-5, name)
    }
    await session.close()
    await engine.close()
  })
})

const ALL: CallbackSettings = {
  earlyStopping: { monitor: 'validation.loss', patience: 4, minDelta: 0.01, restoreBest: true },
  reduceLROnPlateau: { monitor: 'train.loss', factor: 0.5, patience: 1, minLearningRate: 0.001 },
  keepBest: 'validation.accuracy',
}

describe('callbacks', () => {
  test('go on from a state that was JSON as if nothing had happened', () => {
    const figures = fc.record({
      train: fc.record({ loss: fc.double({ min: 0, max: 1, noNaN: true }) }),
      validation: fc.record({
        loss: fc.double({ min: 0, max: 1, noNaN: true }),
        accuracy: fc.constantFrom(0, 0.25, 0.5, 0.75, 1),
      }),
    })
    fc.assert(
      fc.property(fc.array(figures, { maxLength: 20 }), (epochs) => {
        const whole = openCallbacks(ALL, 0.1)
        let state: JsonObject = openCallbacks(ALL, 0.1).state()
        for (const [i, one] of epochs.entries()) {
          const resumed = openCallbacks(ALL, 0.1)
          resumed.restore(JSON.parse(JSON.stringify(state)) as JsonObject)
          const epoch = { epoch: i + 1, ...one }
          assert.deepEqual(resumed.afterEpoch(epoch), whole.afterEpoch(epoch))
          assert.deepEqual(resumed.bests(), whole.bests())
          state = resumed.state()
        }
      }),
    )
  })

  test('keepBest decides which epoch is kept, and the first of equals stays', () => {
    const callbacks = openCallbacks(ALL, 0.1)
    const epoch = (number: number, loss: number, accuracy: number) =>
      callbacks.afterEpoch({ epoch: number, train: { loss }, validation: { loss, accuracy } }).keep
    assert.deepEqual(callbacks.bests(), [])
    assert.deepEqual(
      [epoch(1, 0.5, 0.5), epoch(2, 0.4, 0.75), epoch(3, 0.1, 0.75)],
      [true, true, false],
    )
    assert.deepEqual(callbacks.bests(), [2])
  })

  test('without restoreBest and keepBest no epoch is kept', () => {
    const earlyStopping = { ...ALL.earlyStopping!, restoreBest: false }
    const callbacks = openCallbacks({ earlyStopping }, 0.1)
    const decision = callbacks.afterEpoch({ epoch: 1, validation: { loss: 1 } })
    assert.deepEqual(decision, { stop: false, keep: false })
    assert.deepEqual(callbacks.bests(), [])
  })

  test('an epoch without the figure says nothing', () => {
    const earlyStopping = { ...ALL.earlyStopping!, monitor: 'validation.auc', patience: 0 }
    const callbacks = openCallbacks({ earlyStopping }, 0.1)
    assert.equal(callbacks.afterEpoch({ epoch: 1, validation: { auc: 0.5 } }).stop, false)
    assert.equal(callbacks.afterEpoch({ epoch: 2, validation: { loss: 1 } }).stop, false)
    assert.equal(callbacks.afterEpoch({ epoch: 3, validation: { auc: 0.5 } }).stop, true)
  })

  test('what is monitored is named once', () => {
    const twice = { ...ALL, keepBest: 'validation.loss' }
    assert.deepEqual(monitored(twice), [
      { split: 'validation', figure: 'loss' },
      { split: 'train', figure: 'loss' },
    ])
    assert.deepEqual(monitored({}), [])
  })
})

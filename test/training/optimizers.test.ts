import assert from 'node:assert/strict'
import { describe, test } from 'node:test'

import { Builder } from '../../src/program/builder.ts'
import { evaluate } from '../../src/program/evaluate.ts'
import { expandUpdates } from '../../src/program/expand-updates.ts'
import { UPDATE_RULES } from '../../src/program/updates.ts'
import {
  OPTIMIZERS,
  updatesFor,
  type OptimizerConfig,
  type OptimizerName,
} from '../../src/training/optimizers.ts'
import { assertClose } from '../support/compare.ts'

// Numbers against Keras: the contract of the engines (test/engines/contract/optimizers.ts).
describe('optimizers', () => {
  for (const name of Object.keys(OPTIMIZERS) as OptimizerName[]) {
    test(`${name}: its settings reach the rule, slots are declared and named`, () => {
      const { b, updates, slotVariables } = updated({ name })
      const program = b.program()
      const [update] = updates
      assert.ok(update?.kind === 'rule')
      const slots = Object.keys(UPDATE_RULES[update.rule].slots(update.constants))
      assert.deepEqual(
        slotVariables,
        slots.map((slot) => `optimizer/${slot}/w`),
      )
      assert.deepEqual(
        program.variables.map((v) => v.name),
        ['w', ...slotVariables],
      )
      assert.deepEqual(Object.keys(update.scalars), UPDATE_RULES[update.rule].scalars)
      assert.ok(!('learningRate' in update.constants))
    })
  }

  test('momentum changes the rule of SGD', () => {
    const ruleOf = (config: OptimizerConfig) => {
      const [update] = updated(config).updates
      return update?.kind === 'rule' && update.rule
    }
    assert.equal(ruleOf({ name: 'SGD' }), 'sgd')
    assert.equal(ruleOf({ name: 'SGD', momentum: 0.9 }), 'momentum')
  })

  test('an argument that is not there, and two clips at once, are bugs of the caller', () => {
    assert.throws(() => updated({ name: 'SGD', rho: 0.9 }), /TypeError: SGD has no argument rho/)
    const twice = { name: 'Adam', clipnorm: 1, clipvalue: 1 } as const
    assert.throws(() => updated(twice), /TypeError: Adam: only one of clipnorm, clipvalue/)
  })

  test('expanding keeps what the engine runs itself', () => {
    const { b } = updated({ name: 'Adam' })
    const kept = expandUpdates(b.program(), (u) => u.rule === 'adam')
    assert.deepEqual(
      kept.entries.train!.updates.map((u) => u.kind),
      ['rule'],
    )
    const plain = expandUpdates(b.program())
    assert.deepEqual(
      plain.entries.train!.updates.map((u) => u.kind),
      ['assign', 'assign', 'assign'],
    )
    const feeds = { g: [1, -1], learningRate: [0.1], step: [1] }
    const { variables } = evaluate(plain, 'train', feeds)
    // The first step of Adam is the learning rate, against the sign of the gradient.
    assertClose(variables.get('w'), [0.9, 2.1], 1e-5, 'w')
  })
})

function updated(config: OptimizerConfig) {
  const b = new Builder()
  b.variable('w', [2], Float32Array.of(1, 2))
  const weights = [{ name: 'w', shape: [2], gradient: b.input('g', [2]) }]
  const { updates, slotVariables } = updatesFor(b, config, weights)
  b.entry('train', { fetches: {}, updates })
  return { b, updates, slotVariables }
}

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { metricTable, spaced } from '../../../src/commands/screen/result.ts'
import type { RunRecord } from '../../../src/runs/record.ts'

test('facts stand beside each other as far as there is room', () => {
  const facts = ['little 20261125-120149', 'done in 33 s', 'wasm 4.22.0 on cpu']
  assert.deepEqual(spaced(facts), [facts.join('   ')])
  assert.deepEqual(spaced(facts, 40), [facts.slice(0, 2).join('   '), facts[2]])
  assert.deepEqual(spaced(facts, 10), facts)
})

test('figures are a row a split, and where that is too wide a row a metric', () => {
  const record = {
    metrics: { test: { accuracy: 0.5, loss: 1.25 }, validation: { accuracy: 0.75 } },
    pictures: { test: 1088, validation: 20 },
  } as unknown as RunRecord
  const wide = [
    'split       accuracy    loss  pictures',
    'test          0.5000  1.2500     1,088',
    'validation    0.7500                20',
    '',
  ]
  assert.equal(metricTable(record), wide.join('\n'))
  assert.equal(metricTable(record, 38), wide.join('\n'))
  assert.equal(
    metricTable(record, 37),
    [
      'metric      test  validation',
      'accuracy  0.5000      0.7500',
      'loss      1.2500',
      'pictures   1,088          20',
      '',
    ].join('\n'),
  )
})

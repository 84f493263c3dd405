import assert from 'node:assert/strict'
import { test } from 'node:test'
import { dueAt } from '../../src/stages/checkpoint-times.ts'

const NOT = { endOfEpoch: false, batches: 0, seconds: 0 }

test('by itself: at the end of an epoch, of some seconds since the last one, and every five minutes', () => {
  const isDue = dueAt()
  assert.equal(isDue({ ...NOT, endOfEpoch: true, seconds: 60 }), true)
  assert.equal(isDue({ ...NOT, endOfEpoch: true, seconds: 0.2 }), false)
  assert.equal(isDue({ ...NOT, batches: 1e6, seconds: 299 }), false)
  assert.equal(isDue({ ...NOT, seconds: 300 }), true)
})

test('a number of batches since the last one, wherever it was', () => {
  const isDue = dueAt(['500 batches'])
  assert.equal(isDue({ ...NOT, batches: 499, seconds: 1e9 }), false)
  assert.equal(isDue({ ...NOT, batches: 500 }), true)
  assert.equal(isDue({ ...NOT, batches: 499, endOfEpoch: true, seconds: 60 }), false)
  assert.equal(dueAt(['1 batches'])({ ...NOT, batches: 1 }), true)
})

test('times in seconds, minutes and hours', () => {
  for (const [text, seconds] of [
    ['90s', 90],
    ['5m', 300],
    ['2h', 7200],
  ] as const) {
    assert.equal(dueAt([text])({ ...NOT, seconds: seconds - 0.1 }), false, text)
    assert.equal(dueAt([text])({ ...NOT, seconds }), true, text)
  }
})

test('of several whichever comes first', () => {
  const isDue = dueAt(['2 batches', '1h'])
  assert.equal(isDue({ ...NOT, batches: 2 }), true)
  assert.equal(isDue({ ...NOT, batches: 1, seconds: 3600 }), true)
  assert.equal(isDue({ ...NOT, batches: 1, seconds: 10 }), false)
})

test('what is none of these is a bug: the schema has refused it', () => {
  for (const text of ['', 'never', '5 minutes', '-1s', '10']) {
    assert.throws(() => dueAt([text]), TypeError, text)
  }
})

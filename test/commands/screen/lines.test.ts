import assert from 'node:assert/strict'
import { test } from 'node:test'
import { bar, followProgress, lastingLines } from '../../../src/commands/screen/lines.ts'
import type { Event } from '../../../src/graph/event.ts'
import { secondsText } from '../../../src/util/text.ts'

const PLAIN = { good: same, bad: same, warn: same, dim: same }
function same(text: string): string {
  return text
}
const lines = (event: Event) => lastingLines(event, PLAIN)

const DONE = {
  type: 'stageDone',
  stage: 'pixels:train',
  seconds: 3.21,
  bytes: 1_234_567,
  fingerprint: 'sha256:0',
  digest: 'sha256:0',
  reason: undefined,
} as const

test('what each event leaves on the screen', () => {
  assert.deepEqual(lines({ ...DONE, cached: false }), ['✓ pixels:train  3.2 s  1.2 MB'])
  assert.deepEqual(lines({ ...DONE, cached: true, bytes: 0 }), ['✓ pixels:train  cached'])
  assert.deepEqual(lines({ type: 'stageFailed', stage: 'train', diagnostics: [] }), [
    '✗ train  failed',
  ])
  const epoch = { epoch: 2, epochs: 10, phase: 1, seconds: 0.3 }
  const train = { loss: 0.5, accuracy: 0.75 }
  assert.deepEqual(
    lines({ type: 'epochDone', stage: 'train', ...epoch, train, validation: { loss: 1 } }),
    ['  epoch  2/10  loss 0.5000  accuracy 0.7500  validation loss 1.0000  0.3 s'],
  )
  assert.deepEqual(
    lines({ type: 'epochDone', stage: 'train', ...epoch, train, validation: undefined }),
    ['  epoch  2/10  loss 0.5000  accuracy 0.7500  0.3 s'],
  )
  assert.deepEqual(lines({ type: 'note', message: 'two files were left aside' }), [
    '  two files were left aside',
  ])
  assert.deepEqual(lines({ type: 'stageWaiting', stage: 'train', pid: 7 }), [
    '  train: another process (pid 7) is at it; waiting for its result',
  ])
})

test('an epoch keeps to the width: first without names, then in two lines', () => {
  const figures = { loss: 0.5, accuracy: 0.75 }
  const event: Event = {
    type: 'epochDone',
    stage: 'train',
    epoch: 2,
    epochs: 10,
    phase: 1,
    seconds: 0.3,
    train: figures,
    validation: { loss: 1, accuracy: 0.25 },
  }
  assert.deepEqual(lastingLines(event, PLAIN, 91), [
    '  epoch  2/10  loss 0.5000  accuracy 0.7500  validation loss 1.0000  accuracy 0.2500  0.3 s',
  ])
  assert.deepEqual(lastingLines(event, PLAIN, 80), [
    '  epoch  2/10  loss 0.5000  accuracy 0.7500  validation 1.0000  0.2500  0.3 s',
  ])
  assert.deepEqual(lastingLines(event, PLAIN, 60), [
    '  epoch  2/10  loss 0.5000  accuracy 0.7500  0.3 s',
    '               validation loss 1.0000  accuracy 0.2500',
  ])
})

test('sentences are broken at the width of a terminal', () => {
  const message = 'the frozen layers run at each step'
  assert.deepEqual(lastingLines({ type: 'note', message }, PLAIN, 24), [
    '  the frozen layers run',
    '  at each step',
  ])
  const diagnostic = { code: 'NOTE', message, hint: 'nothing has to be done' } as const
  assert.deepEqual(lastingLines({ type: 'warning', diagnostic }, PLAIN, 24), [
    '! NOTE the frozen layers',
    '  run at each step',
    '  hint: nothing has to',
    '  be done',
  ])
})

test('a warning has its place, its code and its hint', () => {
  const diagnostic = { code: 'SPLIT_LEAK', message: 'one picture is in two splits' } as const
  assert.deepEqual(lines({ type: 'warning', diagnostic }), [
    '! SPLIT_LEAK one picture is in two splits',
  ])
  const at = { file: 'a.yaml', line: 3, col: 5 }
  assert.deepEqual(lines({ type: 'warning', diagnostic: { ...diagnostic, at, hint: 'look' } }), [
    '! a.yaml:3:5 SPLIT_LEAK one picture is in two splits',
    '  hint: look',
  ])
})

test('only an interrupted run says how it ended: the others have a result or an error', () => {
  for (const status of ['done', 'failed'] as const) {
    assert.deepEqual(lines({ type: 'runDone', status, seconds: 1 }), [])
  }
  assert.deepEqual(lines({ type: 'runDone', status: 'interrupted', seconds: 1 }), [
    '! interrupted; what is finished is kept, the same command goes on from there',
  ])
})

test('progress says how far, how fast and how long, counted from the first report', () => {
  const { text } = followProgress()
  const at = (done: number, seconds: number, total: number | undefined = 1000) =>
    text({ type: 'stageProgress', stage: 'features:train', done, total, unit: 'pictures' }, seconds)
  assert.equal(at(8, 20), '8/1,000 pictures')
  assert.equal(at(108, 22), '108/1,000 pictures  50 pictures/s  18 s left')
  assert.equal(at(11, 23), '11/1,000 pictures  1.0 pictures/s  16 min 29 s left')
  assert.equal(at(1000, 40), '1,000/1,000 pictures  50 pictures/s')
  assert.equal(followProgress().text({ ...BYTES, total: undefined }, 0), '3.0 MB')
  const bytes = followProgress()
  bytes.text(BYTES, 0)
  assert.equal(bytes.text({ ...BYTES, done: 9e6 }, 2), '9.0 MB/12.0 MB  3.0 MB/s  1.0 s left')
})

const BYTES = {
  type: 'stageProgress',
  stage: 'download:data',
  done: 3e6,
  total: 12e6,
  unit: 'bytes',
} as const

test('a bar', () => {
  assert.equal(bar(0, 10, 4), '░░░░')
  assert.equal(bar(5, 10, 4), '██░░')
  assert.equal(bar(11, 10, 4), '████')
  assert.equal(bar(0, 0, 2), '░░')
})

test('times', () => {
  const cases: readonly [number, string][] = [
    [0, '0.0 s'],
    [9.94, '9.9 s'],
    [9.96, '10 s'],
    [59.6, '1 min 0 s'],
    [3599.6, '1 h 0 min'],
    [7175, '2 h 0 min'],
  ]
  for (const [seconds, text] of cases) assert.equal(secondsText(seconds), text)
})

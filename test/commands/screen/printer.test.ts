import assert from 'node:assert/strict'
import { test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { openPrinter } from '../../../src/commands/screen/printer.ts'
import type { Event } from '../../../src/graph/event.ts'
import { fakeOutput } from '../../support/output.ts'
import { show } from '../../support/terminal.ts'

const ESCAPE = `${String.fromCharCode(27)}[`

const started = (stage: string): Event => ({ type: 'stageStarted', stage, kind: 'features' })
const progress = (stage: string, done: number): Event => ({
  type: 'stageProgress',
  stage,
  done,
  total: 1000,
  unit: 'pictures',
})
const done = (stage: string): Event => ({
  type: 'stageDone',
  stage,
  cached: false,
  seconds: 1,
  bytes: 10,
  fingerprint: 'sha256:0',
  digest: 'sha256:0',
  reason: undefined,
})

test('auto is live on a terminal, and plain in a pipe, in CI and on a dumb one', async () => {
  const isLive = async (columns: number | undefined, env: NodeJS.ProcessEnv) => {
    const { stream, text } = fakeOutput(columns)
    const printer = await openPrinter('auto', stream, env)
    printer.event(started('train'))
    await sleep(120)
    printer.close()
    return text().includes(ESCAPE)
  }
  assert.equal(await isLive(80, {}), true)
  assert.equal(await isLive(undefined, {}), false)
  assert.equal(await isLive(80, { CI: 'true' }), false)
  assert.equal(await isLive(80, { TERM: 'dumb' }), false)
})

test('events as JSON, one a line, with type and time', async () => {
  const { stream, text } = fakeOutput()
  const printer = await openPrinter('json', stream, {})
  printer.event(started('train'))
  printer.event(done('train'))
  printer.close()
  const lines = text().trimEnd().split('\n')
  const events = lines.map((line) => JSON.parse(line) as { type: string; time: string })
  assert.deepEqual(
    events.map(({ type }) => type),
    ['stageStarted', 'stageDone'],
  )
  for (const { time } of events) assert.equal(new Date(time).toISOString(), time)
})

test('plain lines have no control characters, and progress only now and then', async () => {
  const { stream, text } = fakeOutput()
  const printer = await openPrinter('plain', stream, {})
  printer.event(started('features:train'))
  for (let i = 1; i <= 100; i += 1) printer.event(progress('features:train', i * 10))
  printer.event(done('features:train'))
  printer.close()
  assert.equal(text(), '✓ features:train  1.0 s  10 B\n')
})

for (const columns of [20, 40, 60, 120]) {
  test(`on a terminal of ${columns} columns no line of the region wraps, and it goes at the end`, async () => {
    const { stream, text } = fakeOutput(columns)
    const printer = await openPrinter('auto', stream, {})
    const stages = ['features:validation', 'pixels:train', 'download:weights']
    for (const stage of stages) printer.event(started(stage))
    for (let i = 1; i <= 4; i += 1) {
      for (const stage of stages) printer.event(progress(stage, i * 200))
      await sleep(90)
    }
    const during = show(text(), columns)
    assert.equal(during.lines.length, 3)
    if (columns === 120) {
      assert.match(
        during.lines[0]!,
        /^● features:validation  █+░+  800\/1,000 pictures  [\d,]+ pic/,
      )
    }
    assert.ok(during.widest < columns, String(during.widest))
    for (const stage of stages) printer.event(done(stage))
    printer.close()
    const end = show(text(), columns)
    assert.equal(end.wrapsInRegion, 0)
    assert.ok(end.cursorVisible)
    assert.deepEqual(end.lines.join('\n').match(/✓|●/g), ['✓', '✓', '✓'])
  })
}

test('NO_COLOR takes the colours, not the region', async () => {
  const { stream, text } = fakeOutput(80)
  const printer = await openPrinter('auto', stream, { NO_COLOR: '1' })
  printer.event(started('train'))
  printer.event(done('train'))
  await sleep(120)
  printer.close()
  const sequences = text().split(ESCAPE).slice(1)
  assert.ok(sequences.every((sequence) => !/^[\d;]*m/.test(sequence)))
  assert.ok(text().includes(ESCAPE))
})

import assert from 'node:assert/strict'
import { appendFileSync, mkdirSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { after, before, describe, it } from 'node:test'
import { markRunning, removeMark } from '../../src/runs/mark.ts'
import { openChanges } from '../../src/ui/changes.ts'
import { finishedRun, openUiRig, readEvents, type EventReader, type UiRig } from './rig.ts'

const ID = '20261124-101500-8f2c1a'
const RUN = `/runs/made/${ID}`

describe('the stream of events', () => {
  let rig: UiRig
  before(async () => {
    rig = await openUiRig({ heartbeat: 50 })
    finishedRun(rig.root, { id: ID })
  })
  after(() => rig[Symbol.asyncDispose]())

  async function listen(query = '', headers: Record<string, string> = {}): Promise<EventReader> {
    const answer = await rig.ask(`/events${query}`, { headers })
    assert.equal(answer.status, 200)
    assert.match(answer.headers.get('content-type')!, /^text\/event-stream/)
    return readEvents(answer.body!)
  }

  it('begins with hello, shows signs of life, and tells of a run that begins, goes on and ends', async () => {
    const events = await listen()
    try {
      assert.equal((await events.next()).event, 'hello')
      const id = '20261124-101501-8f2c1b'
      const page = `/runs/made/${id}`
      const has = ({ pages }: { readonly pages: readonly string[] }) => pages.includes(page)
      const { folder } = finishedRun(rig.root, { id, record: { status: 'running' } })
      await markRunning(folder)
      const begun = await events.next(has)
      assert.deepEqual([begun.event, begun.pages.includes('/')], ['change', true])
      // Known as under way from here on, by a look at everything.
      await sleep(1200)
      writeFileSync(join(folder, 'metrics.jsonl'), '{"epoch":1,"phase":1,"train":{"loss":1}}\n')
      assert.ok((await events.next(has)).pages.includes('/sweeps/made'))
      assert.match(await rig.text(page), /Still running, after epoch 1/)
      assert.match(await rig.text('/'), /training loss 1\.0000/)
      appendFileSync(join(folder, 'metrics.jsonl'), '{"epoch":2,"ph')
      await events.next(has)
      assert.match(await rig.text(page), /Still running, after epoch 1/)
      finishedRun(rig.root, { id })
      await removeMark(folder)
      await events.next(has)
      rmSync(folder, { recursive: true })
      await events.next(has)
      assert.match(events.text, /\n: alive\n\n/)
    } finally {
      await events.close()
    }
  })

  it('tells of the run that a reader looks at when it is marked, and of sweeps', async () => {
    const events = await listen(`?page=${encodeURIComponent(RUN)}&page=nonsense`)
    try {
      await events.next()
      writeFileSync(join(rig.root, 'made', ID, 'marks.json'), '{"note":"x"}')
      await events.next(({ pages }) => pages.includes(RUN))
      const trial = join(rig.root, 'made/sweep/trials/abc')
      mkdirSync(trial, { recursive: true })
      writeFileSync(join(rig.root, 'made/sweep/sweep.json'), '{}')
      await events.next(({ pages }) => pages.includes('/sweeps/made'))
      writeFileSync(join(trial, 'log.jsonl'), '{}\n')
      await events.next(({ pages }) => pages.includes('/sweeps/made'))
      rmSync(join(rig.root, 'made/sweep'), { recursive: true })
    } finally {
      await events.close()
    }
  })

  it('tells again what was missed, to who says what came last', async () => {
    const first = await listen()
    const { id } = await first.next()
    finishedRun(rig.root, { id: '20261124-101504-8f2c1e' })
    const change = await first.next(({ event }) => event === 'change')
    const second = await listen('', { 'last-event-id': id })
    const told = await second.next()
    assert.deepEqual([told.event, told.pages], ['change', change.pages])
    const third = await listen('', { 'last-event-id': 'of-another-0' })
    assert.equal((await third.next()).event, 'hello')
    for (const one of [first, second, third]) await one.close()
  })

  it('watches folders only while somebody listens', async () => {
    await using own = await openUiRig()
    finishedRun(own.root, { id: ID })
    assert.equal(own.ui.watched(), 0)
    const events = readEvents((await own.ask('/events')).body!)
    await events.next()
    assert.ok(own.ui.watched() >= 2)
    await events.close()
    const head = await own.ask('/events', { method: 'HEAD' })
    assert.equal(await head.text(), '')
    for (let waited = 0; own.ui.watched() > 0; waited += 100) {
      assert.ok(waited < 8000, 'still watching')
      await sleep(100)
    }
  })

  it('is not given to more tabs than it can serve, and again when one is gone', async () => {
    await using own = await openUiRig()
    const streams = []
    for (let i = 0; i < 64; i += 1) streams.push((await own.ask('/events')).body!)
    assert.equal((await own.ask('/events')).status, 503)
    await streams[0]!.cancel()
    assert.equal((await own.ask('/events')).status, 200)
    for (const stream of streams.slice(1)) await stream.cancel()
  })
})

describe('changes', () => {
  it('are kept as long as there are not too many', () => {
    const changes = openChanges()
    const start = changes.id
    assert.deepEqual(changes.since(start), [])
    const told: string[] = []
    const forget = changes.listen(({ id }) => told.push(id))
    changes.add(['/'])
    const one = changes.id
    for (let i = 0; i < 255; i += 1) changes.add([`/${i}`])
    assert.equal(changes.since(start)?.length, 256)
    assert.equal(changes.since(one)?.length, 255)
    changes.add(['/last'])
    assert.equal(changes.since(start), undefined)
    assert.equal(changes.since(one)?.at(-1)?.pages[0], '/last')
    forget()
    changes.add(['/'])
    assert.equal(told.length, 257)
    assert.equal(changes.since('x'), undefined)
  })
})

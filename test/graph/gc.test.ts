import assert from 'node:assert/strict'
import { mkdirSync, readdirSync, utimesSync, writeFileSync } from 'node:fs'
import { readFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { afterEach, beforeEach, describe, it } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { entriesOf, quickBytes } from '../../src/graph/gc.ts'
import type { Store } from '../../src/graph/store.ts'
import { startChild } from './children.ts'
import { leftovers, noWarning, Rig, stage } from './rig.ts'

const SIZE = 10_000
const single = (id: string, more = {}) => stage(id, { text: id, size: SIZE, ...more })

describe('collecting', () => {
  let rig: Rig
  beforeEach(() => void (rig = new Rig()))
  afterEach(() => rig.dispose())

  /** Makes an artifact of `SIZE` and a little, last used so many hours ago. */
  const make = async (id: string, hours: number) => {
    const artifacts = await rig.execute([single(id)])
    const when = new Date(Date.now() - hours * 3600e3)
    utimesSync(join(dirname(artifacts.get(id)!.path), 'manifest.json'), when, when)
  }
  const present = () => rig.with({ readOnly: true }, (store) => Promise.resolve(idsIn(store)))
  const idsIn = (store: Store) =>
    store
      .history('write')
      .filter((r) => store.exists(r.digest))
      .map((r) => r.stage)
      .sort()

  it('removes the least recently used until the bound holds', async () => {
    for (const [id, hours] of [
      ['a', 3],
      ['b', 9],
      ['c', 6],
    ] as const)
      await make(id, hours)
    const report = await rig.with({}, (store) => store.gc({ maxBytes: 2.5 * SIZE }))
    assert.deepEqual(await present(), ['a', 'c'])
    assert.equal(report.removed.length, 1)
    assert.ok(report.before > 3 * SIZE && report.after < 2.5 * SIZE)
    assert.deepEqual(leftovers(rig.root), [])
  })

  it('counts a cached run as use', async () => {
    for (const [id, hours] of [
      ['a', 3],
      ['b', 9],
    ] as const)
      await make(id, hours)
    await rig.run([single('b')])
    await rig.with({}, (store) => store.gc({ maxBytes: 1.5 * SIZE }))
    assert.deepEqual(await present(), ['b'])
  })

  it('happens at the end of a run that exceeds the bound, and never takes what the run holds', async () => {
    await make('old', 5)
    await rig.run([single('x'), single('y')], { maxBytes: 2.5 * SIZE })
    assert.deepEqual(await present(), ['x', 'y'])
    await rig.run([single('z')], { maxBytes: 100 })
    assert.deepEqual(await present(), ['z'])
  })

  it('knows the size without an index, things nobody knows of included', async () => {
    await make('a', 1)
    const stray = join(rig.root, 'artifacts/ff/ff00')
    mkdirSync(stray, { recursive: true })
    writeFileSync(join(stray, 'stray'), Buffer.alloc(5000))
    const work = join(rig.root, 'work/abc')
    mkdirSync(work)
    writeFileSync(join(work, 'checkpoint'), Buffer.alloc(7000))
    await rig.with({}, async (store) => {
      const total = entriesOf(store.layout).reduce((sum, e) => sum + e.bytes, 0)
      assert.ok(total > SIZE + 12_000 && total < SIZE + 14_000, String(total))
      assert.ok(Math.abs(total - quickBytes(store.layout)) < 2000)
      await store.gc({ maxBytes: 0 })
      assert.ok(entriesOf(store.layout).every((e) => e.what === 'state'))
    })
  })

  it('counts what a kind keeps, and drops that first, the longest unused before the others', async () => {
    await make('a', 100)
    const state = join(rig.root, 'state/write')
    const keep = (name: string, hours: number) => {
      const folder = join(state, name)
      mkdirSync(folder, { recursive: true })
      writeFileSync(join(folder, 'checkpoint'), Buffer.alloc(SIZE))
      const when = new Date(Date.now() - hours * 3600e3)
      for (const path of [join(folder, 'checkpoint'), folder]) utimesSync(path, when, when)
    }
    keep('f1', 1)
    keep('f3', 3)
    keep('f2', 2)
    writeFileSync(join(state, 'memory.scan'), Buffer.alloc(500))
    await rig.with({}, async (store) => {
      const total = entriesOf(store.layout).reduce((sum, e) => sum + e.bytes, 0)
      assert.ok(total > 4 * SIZE + 500 && total < 4.3 * SIZE, String(total))
      assert.ok(Math.abs(total - quickBytes(store.layout)) < 2000)
      const report = await store.gc({ maxBytes: 3.3 * SIZE })
      assert.deepEqual(
        report.removed.map(({ what, kind, key }) => [what, kind, key]),
        [['kept', 'write', 'f3']],
      )
      await store.gc({ maxBytes: 1.3 * SIZE })
      assert.deepEqual(readdirSync(state), ['memory.scan'])
      assert.deepEqual(idsIn(store), ['a'])
      await store.gc({ maxBytes: 0 })
      assert.deepEqual(idsIn(store), [])
      // It is small, and without it every picture would be read again.
      assert.deepEqual(readdirSync(state), ['memory.scan'])
    })
    assert.deepEqual(leftovers(rig.root), [])
  })

  it('removes work that nobody works in with allWork, else by age like everything', async () => {
    const work = join(rig.root, 'work')
    await make('a', 1)
    for (const key of ['free', 'taken']) {
      mkdirSync(join(work, key))
      writeFileSync(join(work, key, 'checkpoint'), 'x')
    }
    await rig.with({}, async (store) => {
      await store.gc()
      assert.deepEqual(readdirSync(work).sort(), ['free', 'taken'])
      const claim = store.claims.tryRun('taken')
      assert.ok('release' in claim)
      const report = await store.gc({ allWork: true })
      assert.deepEqual(readdirSync(work), ['taken'])
      assert.equal(report.inUse, 1)
      claim.release()
    })
  })

  it('by itself leaves unfinished work of the last days, however little room there is', async () => {
    const work = (key: string, days: number) => {
      const folder = join(rig.root, 'work', key)
      mkdirSync(folder, { recursive: true })
      const file = join(folder, 'checkpoint')
      writeFileSync(file, Buffer.alloc(SIZE))
      const when = new Date(Date.now() - days * 24 * 3600e3)
      for (const path of [file, folder]) utimesSync(path, when, when)
    }
    await make('a', 1)
    work('f1', 1)
    work('f9', 9)
    // What the run itself holds is more than the bound.
    await rig.run([single('x')], { maxBytes: 100 })
    assert.deepEqual(readdirSync(join(rig.root, 'work')), ['f1'])
    assert.deepEqual(await present(), ['x'])
    await rig.with({}, (store) => store.gc({ maxBytes: 100 }))
    assert.deepEqual(readdirSync(join(rig.root, 'work')), [])
  })

  it('leaves alone what another process holds, until that is gone', async () => {
    const plan = [single('a'), single('b')]
    const child = startChild(rig, plan, { hold: true })
    await child.event('holding')
    const gc = () => rig.with({}, (store) => store.gc({ maxBytes: 0 }))
    const report = await gc()
    assert.deepEqual(await present(), ['a', 'b'])
    assert.ok(report.inUse > 2 * SIZE)
    child.process.kill('SIGKILL')
    await child.exit
    await gc()
    assert.deepEqual(await present(), [])
    assert.deepEqual(leftovers(rig.root), [])
  })

  it('between looking and reading is a miss: an opened artifact is there in whole', async () => {
    await rig.run([single('a')])
    let opened = 0
    let missed = 0
    for (let i = 0; i < 60; i += 1) {
      await rig.run([single('a')])
      const reading = rig.with({}, async (store) => {
        const result = store.history('write')[0]!
        assert.ok(store.has(result.digest))
        await sleep(i % 4)
        const artifact = await store.open(result.digest, result.fingerprint, noWarning)
        if (!artifact) return void (missed += 1)
        opened += 1
        for (let k = 0; k < 3; k += 1) {
          assert.equal((await readFile(join(artifact.path, 'more/bytes'))).length, SIZE)
        }
      })
      const collecting = rig.with({}, async (store) => {
        await sleep((i * 7) % 10)
        await store.gc({ maxBytes: 0 })
      })
      await Promise.all([reading, collecting])
    }
    assert.ok(opened > 0 && missed > 0, `${opened} opened, ${missed} missed`)
  })

  it('keeps few damaged artifacts', async () => {
    await make('a', 1)
    for (let i = 0; i < 6; i += 1) mkdirSync(join(rig.root, 'quarantine', `abc.${i}`))
    await rig.with({}, (store) => store.gc())
    assert.equal(readdirSync(join(rig.root, 'quarantine')).length, 4)
  })
})

describe('a chain whose early artifacts are evicted', () => {
  let rig: Rig
  beforeEach(() => void (rig = new Rig()))
  afterEach(() => rig.dispose())

  const plan = (text: string) => [
    stage('a', { text: 'a' }),
    stage('b', { text: 'b' }, ['a']),
    stage('c', { text }, ['b']),
  ]
  const evict = async (...ids: string[]) => {
    await rig.with({}, async (store) => {
      for (const result of store.history('write').concat(store.history('random'))) {
        if (!ids.includes(result.stage)) continue
        const when = new Date(0)
        utimesSync(join(store.layout.artifact(result.digest), 'manifest.json'), when, when)
      }
      const keep = entriesOf(store.layout).filter((e) => e.used > 1)
      await store.gc({ maxBytes: keep.reduce((sum, e) => sum + e.bytes, 0) })
    })
  }

  it('is still cached, and nothing is computed again', async () => {
    await rig.run(plan('c'))
    await evict('a', 'b')
    assert.deepEqual(
      (await rig.plan(plan('c'))).map((p) => p.state),
      ['cached', 'cached', 'cached'],
    )
    assert.deepEqual(await rig.run(plan('c')), [])
    assert.equal(rig.events.filter((e) => e.type === 'stageDone' && e.cached).length, 3)
  })

  it('is computed as far back as a stage that must run needs', async () => {
    await rig.run(plan('c'))
    await evict('a')
    assert.deepEqual(await rig.run(plan('d')), ['c'])
    await evict('b')
    const planned = await rig.plan(plan('e'))
    assert.deepEqual(
      planned.map((p) => p.state),
      ['run', 'run', 'run'],
    )
    assert.match(planned[1]!.why, /^evicted, and c needs it$/)
    assert.deepEqual(await rig.run(plan('e')), ['a', 'b', 'c'])
  })

  it('is planned anew when a stage comes out differently the second time', async () => {
    const stages = [
      stage('r', { kind: 'random' }),
      stage('cached', { text: 'sink' }, ['r']),
      stage('other', { text: 'other' }, ['r']),
    ]
    await rig.run(stages.slice(0, 2))
    await evict('r')
    assert.deepEqual((await rig.run(stages)).sort(), ['cached', 'other', 'r'])
    assert.deepEqual(await rig.run(stages), [])
  })
})

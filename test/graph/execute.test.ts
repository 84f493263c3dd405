import assert from 'node:assert/strict'
import { existsSync, readdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { beforeEach, afterEach, describe, it } from 'node:test'
import { PipelineError } from '../../src/util/diagnostic.ts'
import { contents, leftovers, rejection, Rig, stage } from './rig.ts'

describe('execute', () => {
  let rig: Rig
  beforeEach(() => void (rig = new Rig()))
  afterEach(() => rig.dispose())

  it('runs everything once and then nothing', async () => {
    const stages = [stage('a'), stage('b', {}, ['a'])]
    assert.deepEqual(await rig.run(stages), ['a', 'b'])
    assert.deepEqual(await rig.run(stages), [])
    assert.deepEqual(
      rig.events.map((e) => e.type),
      ['planStarted', 'stageDone', 'stageDone'],
    )
    assert.deepEqual(leftovers(rig.root), [])
  })

  it('computes only what a changed parameter reaches', async () => {
    const plan = (text: string) => [stage('a'), stage('b', { text }, ['a']), stage('c', {}, ['b'])]
    await rig.run(plan('x'))
    assert.deepEqual(await rig.run(plan('y')), ['b', 'c'])
    assert.match(rig.done('b')[0]?.reason ?? '', /^params\.text "x" -> "y"$/)
    assert.match(rig.done('c')[0]?.reason ?? '', /^input b changed$/)
    assert.deepEqual(await rig.run(plan('x')), [], 'the earlier results are still there')
  })

  it('stops the ripple at an equal output', async () => {
    const plan = (text: string) => [
      stage('a', { text }),
      stage('b', { kind: 'parity' }, ['a']),
      stage('c', {}, ['b']),
    ]
    await rig.run(plan('xx'))
    assert.deepEqual(await rig.run(plan('yy')), ['a', 'b'])
    assert.equal(rig.done('c')[0]?.cached, true)
  })

  it('asks only for the file of an artifact that a stage says it reads', async () => {
    // `text` holds the text, `more/bytes` the size: b reads the first alone.
    const plan = (text: string, size: number) => [
      stage('a', { text, size }),
      { ...stage('b'), needs: { a: 'a#text' } },
      stage('c', {}, ['a']),
    ]
    assert.deepEqual((await rig.run(plan('x', 3))).sort(), ['a', 'b', 'c'])
    assert.deepEqual((await rig.run(plan('x', 4))).sort(), ['a', 'c'])
    assert.deepEqual((await rig.run(plan('y', 4))).sort(), ['a', 'b', 'c'])
    assert.deepEqual((await rig.run(plan('y', 4))).sort(), [], 'and from the store alone')
    const planned = await rig.plan(plan('y', 5))
    assert.deepEqual(
      planned.map((p) => p.state),
      ['run', 'unknown', 'unknown'],
    )
  })

  it('never runs two of one exclusive word at the same time', async () => {
    rig.kinds['write'] = { ...rig.kinds['write']!, exclusive: 'engine' }
    await rig.run([stage('left', { text: 'l', ms: 40 }), stage('right', { text: 'r', ms: 40 })])
    const order = rig.events.flatMap((e) =>
      e.type === 'stageStarted' ? '+' : e.type === 'stageDone' ? '-' : [],
    )
    assert.equal(order.join(''), '+-+-')
  })

  it('runs the two sides of a diamond side by side, within the jobs', async () => {
    const stages = [
      stage('top'),
      stage('left', { text: 'l', ms: 60 }, ['top']),
      stage('right', { text: 'r', ms: 60 }, ['top']),
      stage('bottom', {}, ['left', 'right']),
    ]
    await rig.run(stages)
    const order = () =>
      rig.events.flatMap((e) =>
        e.type === 'stageStarted' ? `+${e.stage}` : e.type === 'stageDone' ? `-${e.stage}` : [],
      )
    assert.deepEqual(order().slice(2, 4).sort(), ['+left', '+right'])
    await rig.run(stages, { jobs: 1, noCache: true })
    assert.match(
      order().slice(2, 6).join(),
      /^\+left,-left,\+right,-right$|^\+right,-right,\+left,-left$/,
    )
  })

  it('forces by id, by kind, and everything', async () => {
    const stages = [
      stage('a'),
      stage('b', { kind: 'parity', text: '' }, ['a']),
      stage('c', {}, ['b']),
    ]
    await rig.run(stages)
    const before = contents(rig.root)
    assert.deepEqual(await rig.run(stages, { force: ['a'] }), ['a'])
    assert.deepEqual(await rig.run(stages, { force: ['parity'] }), ['b'])
    assert.deepEqual(await rig.run(stages, { noCache: true }), ['a', 'b', 'c'])
    assert.deepEqual(contents(rig.root), before)
  })

  it('replaces the result of a forced stage that comes out differently, and what depends on it', async () => {
    const stages = [stage('a', { kind: 'random' }), stage('b', {}, ['a'])]
    const first = await rig.text('b', stages)
    assert.equal(await rig.text('b', stages), first)
    assert.deepEqual(await rig.run(stages, { force: ['a'] }), ['a', 'b'])
    assert.notEqual(await rig.text('b', stages), first)
  })

  it('asks a probed stage each time', async () => {
    const path = join(rig.folder, 'world')
    const stages = [stage('s', { kind: 'source', path }), stage('b', {}, ['s'])]
    writeFileSync(path, 'one')
    assert.deepEqual(await rig.run(stages), ['s', 'b'])
    assert.deepEqual(await rig.run(stages), [])
    writeFileSync(path, 'two')
    assert.deepEqual(await rig.run(stages), ['s', 'b'])
    assert.match(rig.done('s')[0]?.reason ?? '', /^input source changed$/)
    writeFileSync(path, 'one')
    assert.deepEqual(await rig.run(stages), [])
  })

  it('refuses an output that was read while the source changed', async () => {
    const path = join(rig.folder, 'world')
    writeFileSync(path, 'one')
    const { run } = rig.kinds['source']!
    const busy = {
      ...rig.kinds['source']!,
      run: async (c: Parameters<typeof run>[0]) => {
        await run(c)
        writeFileSync(path, 'two')
      },
    }
    rig.kinds['source'] = busy
    await assert.rejects(
      rig.run([stage('s', { kind: 'source', path })]),
      /changed while it was read/,
    )
  })

  it('asks accept before an earlier result is used, with what the stage remembered', async () => {
    let pinned = 'one'
    const plan = [stage('a'), stage('b', { text: 'b' }, ['a'])]
    const { run } = rig.kinds['write']!
    rig.kinds['write'] = {
      ...rig.kinds['write']!,
      accept: (_, facts) => Promise.resolve(facts['sum'] === pinned),
      run: async (context) => {
        context.remember({ sum: pinned })
        await run(context)
      },
    }
    await rig.run(plan)
    assert.deepEqual(await rig.run(plan), [])
    await rig.with({}, (store) => store.gc({ maxBytes: 0 }))
    assert.deepEqual(
      (await rig.plan(plan.slice(0, 1), { want: [] })).map((p) => p.state),
      ['cached'],
    )
    pinned = 'two'
    assert.deepEqual((await rig.plan(plan)).map((p) => [p.state, p.why]).slice(0, 1), [
      ['run', 'its earlier output is no longer accepted'],
    ])
    assert.deepEqual(await rig.run(plan), ['a', 'b'])
    assert.equal(rig.done('a')[0]?.reason, 'its earlier output is no longer accepted')
    assert.deepEqual(await rig.run(plan), [])
  })

  it('reports all failed stages, stops the others, and keeps what is finished', async () => {
    const stages = [
      stage('good'),
      stage('bad', { fails: 'no luck', ms: 40 }, ['good']),
      stage('worse', { fails: 'none either', ms: 40 }, ['good']),
      stage('slow', { ms: 20_000 }, ['good']),
      stage('after', {}, ['bad']),
    ]
    const began = performance.now()
    const error = await rejection(rig.run(stages))
    assert.ok(error instanceof PipelineError)
    assert.ok(performance.now() - began < 10_000)
    const first = error.diagnostics[0]!
    assert.equal(first.code, 'STAGE_FAILED')
    assert.match(first.message, /^stage (bad failed: no luck|worse failed: none either)$/)
    const failed = rig.events.flatMap((e) => (e.type === 'stageFailed' ? e.stage : []))
    assert.equal(failed.length, error.diagnostics.length)
    assert.ok(!failed.includes('slow') && !failed.includes('after'))
    assert.ok(rig.ran().length === 4 && !rig.ran().includes('after'))
    assert.deepEqual(await rig.run([stages[0]!]), [])
    assert.deepEqual(leftovers(rig.root), [])
  })

  it('keeps the cause of an error that was not for people, and passes on one that was', async () => {
    const error = await rejection(rig.run([stage('a', { fails: 'why' })]))
    assert.equal((error.cause as Error).message, 'why')
    const own = new PipelineError([{ code: 'BAD_IMAGE', message: 'not a picture' }])
    rig.kinds['write'] = { ...rig.kinds['write']!, run: () => Promise.reject(own) }
    await assert.rejects(rig.run([stage('a')]), own)
  })

  it('ends with the reason of the signal, keeps finished stages and unfinished work, and continues', async () => {
    const controller = new AbortController()
    const reason = new Error('interrupted by the person')
    const stages = [
      stage('a'),
      stage('b', { kind: 'steps', total: 100 }, ['a']),
      stage('c', {}, ['b']),
    ]
    const running = rig.run(stages, { signal: controller.signal })
    setTimeout(() => controller.abort(reason), 300)
    await assert.rejects(running, reason)
    assert.ok(!rig.events.some((e) => e.type === 'stageFailed'))
    assert.deepEqual(
      leftovers(rig.root).map((path) => path.split('/')[0]),
      ['work'],
    )
    assert.deepEqual(await rig.run(stages), ['b', 'c'])
    assert.deepEqual(leftovers(rig.root), [])
  })

  it('drops unfinished work with restart', async () => {
    const controller = new AbortController()
    const stages = [stage('b', { kind: 'steps', total: 20, text: 'x' })]
    setTimeout(() => controller.abort(), 150)
    await assert.rejects(rig.run(stages, { signal: controller.signal }))
    assert.equal(readdirSync(join(rig.root, 'work')).length, 1)
    let found: boolean | undefined
    const { run } = rig.kinds['steps']!
    rig.kinds['steps'] = {
      ...rig.kinds['steps']!,
      run: async (context) => {
        found = existsSync(join(context.work, 'checkpoint'))
        await run(context)
      },
    }
    await rig.run(stages, { restart: true })
    assert.equal(found, false)
  })

  it('computes one fingerprint once, also when two stages of one plan have it', async () => {
    assert.deepEqual(await rig.run([stage('a', { ms: 30 }), stage('b', { ms: 30 })]), ['a'])
    assert.equal(rig.done('b')[0]?.cached, true)
  })

  it('takes an output that shares files or is no file for a mistake', async () => {
    const { symlinkSync, linkSync } = await import('node:fs')
    const other = join(rig.folder, 'other')
    writeFileSync(other, 'x')
    for (const link of [symlinkSync, linkSync]) {
      rig.kinds['write'] = {
        ...rig.kinds['write']!,
        run: ({ out }) => Promise.resolve(link(other, join(out, 'x'))),
      }
      await assert.rejects(rig.run([stage('a')]), /STAGE_FAILED.*(linked|neither)/)
      assert.deepEqual(leftovers(rig.root), [])
    }
  })

  it('resolves eight cached stages in well under 60 ms', async () => {
    const stages = Array.from({ length: 8 }, (_, i) =>
      stage(`s${i}`, { i, size: 300_000 }, i === 0 ? [] : [`s${i - 1}`]),
    )
    await rig.run(stages)
    const times: number[] = []
    for (let i = 0; i < 5; i += 1) {
      const began = performance.now()
      assert.deepEqual(await rig.run(stages), [])
      times.push(performance.now() - began)
    }
    assert.ok(Math.min(...times) < 60, `${times.map(Math.round).join()} ms`)
  })
})

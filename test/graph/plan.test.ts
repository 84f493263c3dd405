import assert from 'node:assert/strict'
import { afterEach, beforeEach, describe, it } from 'node:test'
import { documentOf, fingerprintOf } from '../../src/graph/fingerprint.ts'
import { orderStages, wantedNodes } from '../../src/graph/order.ts'
import { digestOf } from '../../src/util/digest.ts'
import { Rig, stage } from './rig.ts'

describe('planStages', () => {
  let rig: Rig
  beforeEach(() => void (rig = new Rig()))
  afterEach(() => rig.dispose())
  const stages = (text: string) => [
    stage('a', { text }),
    stage('b', { kind: 'parity', text: '' }, ['a']),
    stage('c', {}, ['b']),
    stage('d', { expects: 42 }),
  ]
  const states = async (plan: ReturnType<typeof stages>, more = {}) =>
    Object.fromEntries((await rig.plan(plan, more)).map((p) => [p.stage.id, p.state]))

  it('knows what runs, what is cached and what depends on what comes out', async () => {
    assert.deepEqual(await states(stages('x')), { a: 'run', b: 'unknown', c: 'unknown', d: 'run' })
    await rig.run(stages('x'))
    assert.deepEqual(await states(stages('x')), {
      a: 'cached',
      b: 'cached',
      c: 'cached',
      d: 'cached',
    })
    assert.deepEqual(await states(stages('y')), {
      a: 'run',
      b: 'unknown',
      c: 'unknown',
      d: 'cached',
    })
    assert.deepEqual(await states(stages('x'), { force: ['c'] }), {
      a: 'cached',
      b: 'cached',
      c: 'run',
      d: 'cached',
    })
  })

  it('says why, what changed, where the artifact is, and what is expected', async () => {
    await rig.run(stages('x'))
    const [a, b] = await rig.plan(stages('y'))
    assert.equal(a!.why, 'params.text "x" -> "y"')
    assert.deepEqual(a!.changes, [{ path: 'params.text', old: 'x', now: 'y' }])
    assert.deepEqual(a!.estimate, { bytes: 0 })
    assert.equal(b!.why, 'depends on a')
    const again = await rig.plan(stages('x'))
    assert.ok(again.every((p) => p.artifact && p.digest === p.artifact.digest && !p.estimate))
    assert.equal((await rig.plan([stage('n', { expects: 43 })]))[0]!.estimate?.bytes, 43)
  })

  it('says what execute then does', async () => {
    const planned = await rig.plan(stages('x'))
    await rig.run(stages('x'))
    for (const { stage: s, fingerprint } of planned) {
      if (fingerprint) assert.equal(rig.done(s.id)[0]?.fingerprint, fingerprint)
    }
  })

  it('stops when it is told to', async () => {
    await assert.rejects(
      rig.plan(stages('x'), { signal: AbortSignal.abort(new Error('no')) }),
      /no/,
    )
  })
})

describe('the order of stages', () => {
  const kinds = new Rig()
  kinds.dispose()
  const order = (...stages: ReturnType<typeof stage>[]) =>
    orderStages(stages, kinds.kinds).map((node) => node.stage.id)

  it('puts needs first and otherwise keeps the order given', () => {
    assert.deepEqual(order(stage('c', {}, ['b']), stage('a'), stage('b')), ['b', 'c', 'a'])
  })

  it('refuses what cannot be ordered', () => {
    assert.throws(() => order(stage('a', {}, ['b']), stage('b', {}, ['a'])), /circle: a -> b/)
    assert.throws(() => order(stage('a', {}, ['z'])), /needs z, which is not in the plan/)
    assert.throws(() => order(stage('a'), stage('a')), /the same id/)
    assert.throws(() => order(stage('a', { kind: 'none' })), /unknown kind none/)
    assert.throws(
      () => wantedNodes(orderStages([stage('a')], kinds.kinds), ['b']),
      /wanted stage b/,
    )
  })
})

describe('a fingerprint', () => {
  const kind = { kind: 'write', version: 3, describe: '', run: () => Promise.resolve() }
  const print = (params: object, more = {}) =>
    fingerprintOf(
      documentOf({ ...stage('a', params as never), ...more }, kind, { x: digestOf('x') }),
    )

  it('does not depend on the order of keys, on id, hints or reads', () => {
    assert.equal(print({ a: 1, b: 2 }), print({ b: 2, a: 1, c: undefined }))
    assert.equal(print({}), print({}, { id: 'z', hints: { batch: 3 }, reads: ['seed'] }))
  })

  it('depends on params, seed, numerics, version, inputs and source', () => {
    const all = [
      print({}),
      print({ a: 1 }),
      print({}, { seed: 1 }),
      print({}, { numerics: { threads: 1 } }),
      fingerprintOf(documentOf(stage('a'), { ...kind, version: 4 }, { x: digestOf('x') })),
      fingerprintOf(documentOf(stage('a'), kind, { x: digestOf('y') })),
      fingerprintOf(documentOf(stage('a'), kind, { x: digestOf('x') }, digestOf('s'))),
    ]
    assert.equal(new Set(all).size, all.length)
  })

  it('keeps the name of the probe for the probe', () => {
    const probed = () => documentOf(stage('a'), kind, { source: digestOf('x') }, digestOf('s'))
    assert.throws(probed, /none of its needs can be called "source"/)
  })
})

import assert from 'node:assert/strict'
import { afterEach, beforeEach, describe, it } from 'node:test'
import { changesBetween, explain, explanationText } from '../../src/graph/why.ts'
import type { FingerprintDocument } from '../../src/graph/stage.ts'
import { digestOf } from '../../src/util/digest.ts'
import type { JsonObject } from '../../src/util/json.ts'
import { Rig, stage } from './rig.ts'

const document = (
  params: JsonObject,
  more: Partial<FingerprintDocument> = {},
): FingerprintDocument => ({
  kind: 'write',
  version: 1,
  params,
  inputs: {},
  ...more,
})

describe('why', () => {
  let rig: Rig
  beforeEach(() => void (rig = new Rig()))
  afterEach(() => rig.dispose())
  const ask = (id: string, doc: FingerprintDocument) =>
    rig.with({}, (store) => Promise.resolve(explain(stage(id), doc, store)))

  it('says HIT for what is known', async () => {
    await rig.run([stage('a', { x: 1 })])
    const explanation = await ask('a', document({ x: 1 }))
    assert.equal(explanation.hit, true)
    assert.equal(explanationText(explanation), 'unchanged')
  })

  it('compares with the most similar of the same stage', async () => {
    for (const x of [1, 2, 3]) await rig.run([stage('a', { x, y: x * 10 })])
    await rig.run([stage('other', { x: 2, y: 21 })])
    const explanation = await ask('a', document({ x: 2, y: 21, z: { deep: [1, { k: 2 }] } }))
    assert.equal(explanation.hit, false)
    assert.deepEqual(explanation.changes, [
      { path: 'params.y', old: 20, now: 21 },
      { path: 'params.z.deep[0]', old: undefined, now: 1 },
      { path: 'params.z.deep[1].k', old: undefined, now: 2 },
    ])
    assert.equal(
      explanationText(explanation),
      'params.y 20 -> 21, params.z.deep[0] (none) -> 1, params.z.deep[1].k (none) -> 2',
    )
  })

  it('takes another stage of the kind where the id is new, and says so where there is none', async () => {
    assert.equal(explanationText(await ask('a', document({}))), 'never computed here')
    await rig.run([stage('a', { x: 1 })])
    const explanation = await ask('b', document({ x: 2 }))
    assert.equal(explanation.against?.stage, 'a')
    assert.deepEqual(explanation.changes, [{ path: 'params.x', old: 1, now: 2 }])
  })

  it('names inputs, seed, numerics and version', () => {
    const [one, two] = [digestOf('1'), digestOf('2')]
    const changes = changesBetween(
      document({ l: [] }, { inputs: { a: one, b: one }, seed: 1 }),
      document(
        { l: {} },
        { inputs: { a: two, c: one }, seed: 2, numerics: { threads: 2 }, version: 2 },
      ),
    )
    assert.deepEqual(changes.map((c) => c.path).sort(), [
      'inputs.a',
      'inputs.b',
      'inputs.c',
      'numerics.threads',
      'params.l',
      'seed',
      'version',
    ])
    const text = (path: string) =>
      explanationText({
        hit: false,
        changes: changes.filter((c) => c.path === path),
        against: {} as never,
      })
    assert.equal(text('inputs.a'), 'input a changed')
    assert.equal(text('inputs.b'), 'input b is gone')
    assert.equal(text('inputs.c'), 'input c is new')
    assert.equal(text('seed'), 'seed 1 -> 2')
    assert.match(text('version'), /computes it differently/)
    assert.match(explanationText({ hit: false, changes, against: {} as never }), / and 4 more$/)
  })
})

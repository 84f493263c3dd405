import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import type { FreezePolicy } from '../../src/models/freeze.ts'
import type { HeadLayer } from '../../src/models/head.ts'
import { featurePlan, frozenSeconds } from '../../src/training/feature-plan.ts'

const SOFTMAX: HeadLayer = { Dense: { units: 20, activation: 'softmax' } }
const POOLED: HeadLayer[] = ['GlobalAveragePooling2D', SOFTMAX]

function planOf(name: string, freeze: FreezePolicy, head: readonly HeadLayer[] = POOLED) {
  return featurePlan({ model: { name }, head, freeze })
}

describe('what is kept of a frozen trunk', () => {
  it('a pooled vector where the head begins with a pooling, the map where it does not', () => {
    const pooled = planOf('MobileNetV2', 'all')!
    assert.deepEqual(pooled.ends, ['global_average_pooling2d'])
    assert.deepEqual(pooled.tail, ['GlobalAveragePooling2D'])
    assert.equal(pooled.numbers, 1280)
    const flat = planOf('MobileNetV2', 'all', ['Flatten', SOFTMAX])!
    assert.deepEqual(flat.ends, ['out_relu'])
    assert.deepEqual(flat.tail, [])
    assert.equal(flat.numbers, 7 * 7 * 1280)
    assert.equal(flat.again, 0)
  })

  it('the tensors before a cheap expansion rather than those behind it', () => {
    const plan = planOf('MobileNetV2', { first: 100 })!
    assert.deepEqual(plan.ends, ['block_10_project_BN'])
    assert.equal(plan.numbers, 14 * 14 * 96)
    assert.equal(plan.again, 14 * 14 * 96 * 576)
    assert.equal(plan.wholeTrunk, false)
  })

  it('four tensors in place of the eight that leave the first 600 layers of NASNetMobile', () => {
    const plan = planOf('NASNetMobile', { first: 600 })!
    assert.equal(plan.ends.length, 4)
    assert.equal(plan.numbers * 4, 241_472)
  })

  it('nothing where nothing is frozen, or only what stands behind trained layers', () => {
    assert.equal(planOf('MobileNetV2', 'none'), undefined)
    assert.equal(planOf('MobileNetV2', { layers: ['Conv_1'] }), undefined)
  })

  it('does not depend on the head behind its first weights', () => {
    const wide: HeadLayer[] = ['GlobalAveragePooling2D', { Dense: { units: 500 } }, SOFTMAX]
    assert.deepEqual(planOf('MobileNetV2', 'all', wide), planOf('MobileNetV2', 'all'))
  })

  it('pays with the second epoch where the frozen part is most of the work, and not with one', () => {
    const plan = planOf('NASNetMobile', { first: 600 })!
    const cost = { rate: 70e9, bytes: 4 }
    const once = frozenSeconds(plan, 1, cost)
    assert.ok(once.kept > once.run)
    const often = frozenSeconds(plan, 5, cost)
    assert.ok(often.kept < often.run / 2)
  })
})

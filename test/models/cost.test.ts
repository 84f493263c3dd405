import assert from 'node:assert/strict'
import { test } from 'node:test'
import { buildBaseModel } from '../../src/models/base-model.ts'
import { multiplyAdds } from '../../src/models/cost.ts'

/** Millions of multiply-adds with the top: MobileNetV2 and NASNet-A papers, and Google's EfficientNet-Lite page. */
const published = { MobileNetV2: 300, NASNetMobile: 564, EfficientNetLite0: 407 }

for (const [name, millions] of Object.entries(published)) {
  test(`${name} costs about ${millions} million multiply-adds a picture`, () => {
    const counted = multiplyAdds(buildBaseModel({ name, includeTop: true })) / 1e6
    assert.ok(Math.abs(counted / millions - 1) < 0.08, `${counted}`)
  })
}

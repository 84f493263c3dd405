import assert from 'node:assert/strict'
import { test } from 'node:test'
import { closest, didYouMean } from '../../src/util/suggest.ts'

test('the nearest of the candidates, where one is near', () => {
  const names = ['seed', 'name', 'dataset', 'NASNetMobile']
  assert.equal(closest('sead', names), 'seed')
  assert.equal(closest('nasnetmobile', names), 'NASNetMobile')
  assert.equal(closest('datsaet', names), 'dataset')
  assert.equal(closest('optimizer', names), undefined)
  assert.equal(closest('x', []), undefined)
  assert.equal(didYouMean('nmae', names), 'did you mean "name"?')
  assert.equal(didYouMean('zzz', names), undefined)
})

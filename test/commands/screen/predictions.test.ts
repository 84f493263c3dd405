import assert from 'node:assert/strict'
import { test } from 'node:test'
import { predictionTable } from '../../../src/commands/screen/predictions.ts'
import { firstPredictions } from '../../../src/commands/screen/result.ts'

const ranked = (label: string, index: number, probability: number) => ({
  label,
  index,
  probability,
})
const CAT = {
  image: 'photos/cat.jpg',
  top: [ranked('tabby', 281, 0.71), ranked('tiger_cat', 282, 0.2), ranked('lynx', 287, 0.01)],
}

test('the labels behind the first are broken to the width of a narrow terminal', () => {
  assert.equal(
    predictionTable([CAT], 'text', 60),
    [
      'image           label       p  then',
      'photos/cat.jpg  tabby  0.7100  tiger_cat 0.2000, lynx 0.0100',
      '',
    ].join('\n'),
  )
  const narrow = predictionTable([CAT], 'text', 48).split('\n')
  assert.deepEqual(narrow.slice(1, 3), [
    'photos/cat.jpg  tabby  0.7100  tiger_cat 0.2000,',
    `${' '.repeat(31)}lynx 0.0100`,
  ])
  assert.ok(
    narrow.every((line) => line.length <= 48),
    narrow.join('\n'),
  )
})

test('other programs get a row for each label', () => {
  assert.deepEqual(predictionTable([CAT], 'csv').split('\n').slice(0, 3), [
    'image,rank,label,index,probability',
    'photos/cat.jpg,1,tabby,281,0.71',
    'photos/cat.jpg,2,tiger_cat,282,0.2',
  ])
})

test('of many pictures the first are shown, and where the others are', () => {
  const many = Array.from({ length: 1234 }, () => ({ ...CAT, top: CAT.top.slice(0, 1) }))
  const lines = firstPredictions(many).split('\n')
  assert.equal(lines[0], 'image           label  probability')
  assert.equal(lines.length, 1 + 20 + 1 + 1)
  assert.equal(lines.at(-2), 'and 1,214 more, in predictions.csv')
})

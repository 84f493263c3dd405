import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { compareIndexes } from '../../../src/runs/diff/data.ts'
import { picture } from '../../support/made-run.ts'

test('pictures added, removed, changed, relabelled and moved are told by name', () => {
  const kept = picture('test/cat/0.png', 'cat')
  const a = [
    kept,
    picture('test/cat/1.png', 'cat', 'test', 'old bytes'),
    picture('test/cat/2.png', 'cat', 'test', 'a dog after all'),
    picture('test/cat/3.png', 'cat', 'test', 'renamed'),
    picture('test/cat/4.png', 'cat', 'test', 'held out'),
    picture('test/cat/5.png', 'cat', 'test', 'gone'),
    picture('table/6.png', 'cat', 'test', 'by a table'),
  ]
  const b = [
    kept,
    picture('test/cat/1.png', 'cat', 'test', 'new bytes'),
    picture('test/dog/2.png', 'dog', 'test', 'a dog after all'),
    picture('test/cat/three.png', 'cat', 'test', 'renamed'),
    picture('train/cat/4.png', 'cat', 'train', 'held out'),
    picture('test/dog/7.png', 'dog', 'test', 'fresh'),
    picture('table/6.png', 'dog', 'test', 'by a table'),
  ]
  const { diff, inA, isSame } = compareIndexes(a, b)
  const at = (image: string, label = 'cat', split = 'test') => ({ split, image, label })
  assert.deepEqual(diff?.added, [at('test/dog/7.png', 'dog')])
  assert.deepEqual(diff?.removed, [at('test/cat/5.png')])
  assert.deepEqual(diff?.changed, [at('test/cat/1.png')])
  assert.deepEqual(diff?.relabelled, [
    { a: at('table/6.png'), b: at('table/6.png', 'dog') },
    { a: at('test/cat/2.png'), b: at('test/dog/2.png', 'dog') },
  ])
  assert.deepEqual(diff?.moved, [
    { a: at('test/cat/3.png'), b: at('test/cat/three.png') },
    { a: at('test/cat/4.png'), b: at('train/cat/4.png', 'cat', 'train') },
  ])
  assert.deepEqual(diff?.splits, [
    { split: 'train', a: 0, b: 1, added: 0, removed: 0, changed: 0, relabelled: 0, moved: 1 },
    { split: 'test', a: 7, b: 6, added: 1, removed: 1, changed: 1, relabelled: 2, moved: 2 },
  ])
  assert.equal(inA('test', 'test/cat/three.png'), 'test/cat/3.png')
  assert.equal(inA('test', 'test/cat/0.png'), 'test/cat/0.png')
  assert.equal(inA('test', 'test/cat/1.png'), undefined)
  assert.equal(inA('train', 'train/cat/4.png'), undefined)
  assert.deepEqual([isSame('test'), isSame('train')], [false, false])
})

test('a new name is the same picture: the data of the split is the same', () => {
  const a = [picture('a.png', 'cat', 'test', 'one'), picture('b.png', 'cat', 'train', 'two')]
  const b = [picture('z.png', 'cat', 'test', 'one'), picture('c.png', 'cat', 'train', 'three')]
  const { isSame } = compareIndexes(a, b)
  assert.deepEqual([isSame('test'), isSame('train')], [true, false])
})

test('copies of one picture are paired one by one', () => {
  const copy = (path: string) => picture(path, 'cat', 'test', 'the same')
  const { diff } = compareIndexes(
    [copy('1.png'), copy('2.png')],
    [copy('2.png'), copy('3.png'), copy('4.png')],
  )
  assert.deepEqual(
    diff?.moved.map(({ a, b }) => [a.image, b.image]),
    [['1.png', '3.png']],
  )
  assert.deepEqual(
    diff?.added.map(({ image }) => image),
    ['4.png'],
  )
})

test('whatever the pictures: both sides add up, and the way back is the same the other way round', () => {
  const row = fc
    .tuple(fc.nat(12), fc.constantFrom('cat', 'dog'), fc.constantFrom('train', 'test'), fc.nat(9))
    .map(([path, label, split, bytes]) => picture(`${path}.png`, label, split, String(bytes)))
  const rows = fc.uniqueArray(row, {
    selector: ({ split, path }) => `${split}/${path}`,
    maxLength: 14,
  })
  fc.assert(
    fc.property(rows, rows, (a, b) => {
      const there = compareIndexes(a, b).diff!
      const back = compareIndexes(b, a).diff!
      assert.equal(a.length - there.removed.length, b.length - there.added.length)
      assert.deepEqual(
        [there.added.length, there.removed.length, there.changed.length],
        [back.removed.length, back.added.length, back.changed.length],
      )
      const isEqual = compareIndexes(a, a).diff!.splits.every(
        (s) => s.added + s.removed + s.changed + s.relabelled + s.moved === 0,
      )
      assert.ok(isEqual)
    }),
  )
})

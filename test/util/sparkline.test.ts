import assert from 'node:assert/strict'
import { test } from 'node:test'
import { sparkline } from '../../src/util/sparkline.ts'

test('a curve goes from the lowest block to the highest, on the scale that it is given', () => {
  assert.equal(sparkline([0, 1, 2, 3, 4, 5, 6, 7], { least: 0, most: 7 }), '▁▂▃▄▅▆▇█')
  assert.equal(sparkline([0.5, 1], { least: 0, most: 1 }), '▅█')
  assert.equal(sparkline([2, 2], { least: 2, most: 2 }), '▅▅')
  assert.equal(sparkline([], { least: 0, most: 1 }), '')
  assert.equal(sparkline([0, Number.NaN, 1], { least: 0, most: 1 }), '▁ █')
})

test('more values than there is room are joined by their means', () => {
  const values = Array.from({ length: 100 }, (_, i) => i)
  // Means of 12, 37, 62 and 87 of 99, in eighths rounded down: 0, 2, 5 and 7.
  assert.equal(sparkline(values, { least: 0, most: 99, width: 4 }), '▁▃▆█')
  assert.equal([...sparkline(values, { least: 0, most: 99 })].length, 16)
})

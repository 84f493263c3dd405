import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import {
  batchSizes,
  classWeights,
  encodeTargets,
  fillDropoutMask,
  planEpoch,
} from '../../src/training/batches.ts'

const plan = (pictures: number, more: Partial<Parameters<typeof planEpoch>[1]> = {}) =>
  planEpoch(pictures, {
    batchSize: 4,
    lastBatch: 'keep',
    shuffle: true,
    seed: 8,
    epoch: 1,
    ...more,
  })

test('an epoch holds every picture once, in batches that follow each other', () => {
  fc.assert(
    fc.property(
      fc.integer({ min: 1, max: 60 }),
      fc.integer({ min: 1, max: 70 }),
      (n, batchSize) => {
        const { order, batches } = plan(n, { batchSize })
        assert.deepEqual(
          [...order].sort((a, b) => a - b),
          [...Array(n).keys()],
        )
        assert.equal(batches[0]![0], 0)
        assert.equal(batches.at(-1)![1], n)
        batches.slice(1).forEach(([start], i) => assert.equal(start, batches[i]![1]))
        const sizes = batchSizes(n, batchSize, 'keep')
        assert.ok(batches.every(([start, end]) => sizes.includes(end - start)))
      },
    ),
  )
})

test('the order depends on seed and epoch alone; without shuffle it is the rows own', () => {
  assert.deepEqual(plan(20).order, plan(20, { batchSize: 7 }).order)
  assert.notDeepEqual(plan(20).order, plan(20, { epoch: 2 }).order)
  assert.notDeepEqual(plan(20).order, plan(20, { seed: 9 }).order)
  assert.deepEqual([...plan(3, { shuffle: false }).order], [0, 1, 2])
})

test('drop leaves out a short last batch, but never the only one', () => {
  const ends = (n: number) => plan(n, { lastBatch: 'drop' }).batches.map(([, end]) => end)
  assert.deepEqual(ends(10), [4, 8])
  assert.deepEqual(ends(8), [4, 8])
  assert.deepEqual(ends(3), [3])
  assert.deepEqual(batchSizes(10, 4, 'drop'), [4])
  assert.deepEqual(batchSizes(10, 4, 'keep'), [4, 2])
})

test('targets are one column for a binary head and one-hot otherwise', () => {
  const labels = Uint32Array.of(2, 0, 1)
  const rows = Uint32Array.of(2, 0)
  const wide = new Float32Array(6).fill(9)
  encodeTargets(labels, rows, 3, wide)
  assert.deepEqual([...wide], [0, 1, 0, 0, 0, 1])
  const narrow = new Float32Array(2)
  encodeTargets(Uint32Array.of(0, 1, 1), rows, 1, narrow)
  assert.deepEqual([...narrow], [1, 0])
})

test('balanced class weights are those of scikit-learn', () => {
  // compute_class_weight('balanced') of [0, 0, 0, 1]: 4 / (2 * 3) and 4 / (2 * 1).
  const labels = Uint32Array.of(0, 0, 0, 1)
  assert.deepEqual(
    [...classWeights('balanced', ['a', 'b'], labels)],
    [...Float32Array.of(2 / 3, 2)],
  )
  assert.deepEqual([...classWeights({ b: 3 }, ['a', 'b'], labels)], [1, 3])
  assert.deepEqual([...classWeights('none', ['a', 'b'], labels)], [1, 1])
})

test('a dropout mask belongs to its picture: not to its place in the batch, nor to the batch size', () => {
  const dropout = { layer: 'dropout', rate: 0.25, size: 400 }
  const mask = (rows: number[], epoch = 1) => {
    const out = new Float32Array(rows.length * dropout.size)
    fillDropoutMask(out, Uint32Array.from(rows), dropout, 8, epoch)
    return rows.map((_, i) => out.subarray(i * dropout.size, (i + 1) * dropout.size))
  }
  const [five, seven] = mask([5, 7])
  assert.deepEqual(mask([7])[0], seven)
  assert.notDeepEqual(five, seven)
  assert.notDeepEqual(mask([5], 2)[0], five)
  const kept = five!.filter((value) => value > 0)
  assert.ok(kept.every((value) => value === Math.fround(1 / 0.75)))
  assert.ok(kept.length > 260 && kept.length < 340, `${kept.length} of 400 kept`)
})

test('without a rate the draws themselves are fed, those that a mask is made of', () => {
  const size = 400
  const [mask, draws] = [new Float32Array(2 * size), new Float32Array(2 * size)]
  const rows = Uint32Array.of(5, 7)
  fillDropoutMask(mask, rows, { layer: 'a', size, rate: 0.25 }, 8, 1)
  fillDropoutMask(draws, rows, { layer: 'a', size }, 8, 1)
  assert.ok(draws.every((value) => value >= 0 && value < 1))
  assert.deepEqual(
    mask,
    draws.map((value) => (value < 0.25 ? 0 : 1 / 0.75)),
  )
  assert.ok(draws[0] !== draws[size], 'each picture has its own')
})

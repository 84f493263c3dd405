import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { fromData, showPath } from '../../../src/pipeline/tree.ts'
import { aligned, configDiff, isNaming } from '../../../src/runs/diff/config.ts'

const side = (data: unknown) => ({
  tree: fromData(data, 'file'),
  place: (path: readonly (string | number)[]) => `at ${showPath(path)}`,
})

/** `path: old -> new` of what differs. */
function changes(a: unknown, b: unknown): string[] {
  const rows = configDiff(side(a), side(b)).filter(({ same }) => !same)
  return rows.map((row) => `${row.path}: ${JSON.stringify(row.a)} -> ${JSON.stringify(row.b)}`)
}

test('values that differ are named by their path, with both places', () => {
  const [row, ...more] = configDiff(
    side({ seed: 1, optimizer: { name: 'Adam', learningRate: 0.001 } }),
    side({ seed: 1, optimizer: { name: 'Adam', learningRate: 0.01 } }),
  ).filter(({ same }) => !same)
  assert.deepEqual(more, [])
  const path = 'optimizer.learningRate'
  const at = { a: `at ${path}`, b: `at ${path}` }
  assert.deepEqual(row, { path, a: 0.001, b: 0.01, at, same: false })
})

test('keys of one side, other kinds of values and lists of values are one change each', () => {
  assert.deepEqual(
    changes(
      { freeze: 'all', optimizer: { beta1: 0.9 }, evaluation: { on: ['test'] } },
      {
        freeze: { first: 10 },
        optimizer: { momentum: 0.9 },
        evaluation: { on: ['test', 'train'] },
      },
    ),
    [
      'freeze: "all" -> {"first":10}',
      'optimizer.beta1: 0.9 -> undefined',
      'optimizer.momentum: undefined -> 0.9',
      'evaluation.on: ["test"] -> ["test","train"]',
    ],
  )
})

test('a layer put between two others is one change, and what is behind it keeps its pair', () => {
  const dense = (units: number) => ({ Dense: { units, activation: 'relu' } })
  assert.deepEqual(
    changes(
      { head: ['GlobalAveragePooling2D', dense(64), dense(2)] },
      { head: ['GlobalAveragePooling2D', { Dropout: { rate: 0.2 } }, dense(64), dense(3)] },
    ),
    ['head[1]: undefined -> {"Dropout":{"rate":0.2}}', 'head[3].Dense.units: 2 -> 3'],
  )
})

test('what a run is called is told apart', () => {
  const rows = configDiff(side({ name: 'a', tags: ['x'], seed: 1 }), side({ name: 'b', seed: 2 }))
  assert.deepEqual(
    rows.map((row) => [row.path, isNaming(row)]),
    [
      ['name', true],
      ['tags', true],
      ['seed', false],
    ],
  )
})

test('an alignment keeps both orders, leaves nothing out and pairs only what is equal', () => {
  const words = fc.array(fc.constantFrom('a', 'b', 'c'), { maxLength: 8 })
  fc.assert(
    fc.property(words, words, (a, b) => {
      const pairs = aligned(a, b)
      assert.deepEqual(
        pairs.flatMap(([i]) => i ?? []),
        a.map((_, i) => i),
      )
      assert.deepEqual(
        pairs.flatMap(([, j]) => j ?? []),
        b.map((_, j) => j),
      )
      for (const [i, j] of pairs) if (i !== undefined && j !== undefined) assert.equal(a[i], b[j])
    }),
  )
})

test('equal values differ nowhere', () => {
  fc.assert(
    fc.property(fc.dictionary(fc.string({ minLength: 1 }), fc.jsonValue()), (data) => {
      assert.deepEqual(changes(data, structuredClone(data)), [])
    }),
  )
})

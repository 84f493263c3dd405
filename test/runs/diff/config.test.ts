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

test('of two layers of a kind the equal one is the pair', () => {
  const dense = (units: number) => ({ Dense: { units } })
  assert.deepEqual(
    changes({ head: ['Flatten', dense(2)] }, { head: ['Flatten', dense(64), dense(2)] }),
    ['head[1]: undefined -> {"Dense":{"units":64}}'],
  )
  assert.deepEqual(changes({ head: [dense(8), dense(2)] }, { head: [dense(2)] }), [
    'head[0]: {"Dense":{"units":8}} -> undefined',
  ])
})

test('an alignment keeps both orders, leaves nothing out, and no other of all has a greater sum', () => {
  const words = fc.array(fc.constantFrom('aa', 'ab', 'b', 'c'), { maxLength: 6 })
  fc.assert(
    fc.property(words, words, (a, b) => {
      const score = (i: number, j: number) => (a[i] === b[j] ? 3 : a[i]![0] === b[j]![0] ? 2 : 0)
      const pairs = aligned(a.length, b.length, score)
      const indices = (list: string[]) => list.map((_, i) => i)
      assert.deepEqual(
        pairs.flatMap(([i]) => i ?? []),
        indices(a),
      )
      assert.deepEqual(
        pairs.flatMap(([, j]) => j ?? []),
        indices(b),
      )
      const paired = pairs.flatMap(([i, j]) =>
        i === undefined || j === undefined ? [] : [score(i, j)],
      )
      assert.ok(paired.every((one) => one > 0))
      const most = (i: number, j: number): number =>
        i === a.length || j === b.length
          ? 0
          : Math.max(score(i, j) + most(i + 1, j + 1), most(i + 1, j), most(i, j + 1))
      assert.equal(
        paired.reduce((sum, one) => sum + one, 0),
        most(0, 0),
      )
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

import assert from 'node:assert/strict'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { blocksText, tableText } from '../../../src/commands/table-text.ts'
import { comparisonColumns } from '../../../src/commands/screen/compare.ts'
import { compareSides, type Comparison } from '../../../src/runs/diff/compare.ts'
import { sideOfRun } from '../../../src/runs/diff/side.ts'
import { makeRun, type MadeRun } from '../../support/made-run.ts'

let root: string
before(() => {
  root = mkdtempSync(join(tmpdir(), 'graft-compare-'))
})
after(() => rmSync(root, { recursive: true }))

let calls = 0
function compared(...runs: readonly Omit<MadeRun, 'id'>[]): Comparison {
  const options = { store: join(root, 'none'), cwd: root }
  const folder = join(root, String((calls += 1)))
  const made = runs.map((run, i) => makeRun(folder, { id: `20261124-10000${i}-aaaaa${i}`, ...run }))
  return compareSides(made.map((run) => sideOfRun(run, options)))
}

const dense = (units: number) => ({ Dense: { units, activation: 'relu' } })

test('only keys that vary are columns, a head of other layers as a whole', () => {
  const { keys } = compared(
    {
      config: {
        name: 'a',
        seed: 1,
        head: [dense(8), dense(2)],
        optimizer: { name: 'Adam', learningRate: 0.1 },
      },
    },
    {
      config: {
        name: 'b',
        seed: 1,
        head: [dense(16), dense(2)],
        optimizer: { name: 'Adam', learningRate: 0.2 },
      },
    },
    {
      config: {
        name: 'b',
        seed: 1,
        head: [dense(16), dense(2)],
        optimizer: { name: 'SGD', learningRate: 0.1, momentum: 0.9 },
      },
    },
  )
  assert.deepEqual(keys, [
    { path: 'head[0].Dense.units', values: [8, 16, 16] },
    { path: 'optimizer.name', values: ['Adam', 'Adam', 'SGD'] },
    { path: 'optimizer.learningRate', values: [0.1, 0.2, 0.1] },
    { path: 'optimizer.momentum', values: [undefined, undefined, 0.9] },
  ])
  const other = compared(
    { config: { head: [dense(8)] } },
    { config: { head: ['Flatten', dense(8)] } },
    {},
  )
  assert.deepEqual(other.keys, [
    { path: 'head', values: [[dense(8)], ['Flatten', dense(8)], undefined] },
  ])
  const shown = (format: 'text' | 'csv') => {
    const column = comparisonColumns(other, format).find(({ title }) => title === 'head')
    return [0, 1, 2].map((i) => column!.value(i))
  }
  assert.deepEqual(shown('text'), ['Dense 8', 'Flatten, Dense 8', '-'])
  assert.equal(shown('csv')[1], '[Flatten, {Dense: {units: 8, activation: relu}}]')
})

test('the best of each metric, in its direction; ties are all the best, equal values none', () => {
  const metrics = (accuracy: number, loss: number) => ({
    metrics: { test: { accuracy, loss, f1: 0.5 } },
  })
  const { metrics: rows } = compared(
    { record: metrics(0.8, 0.4) },
    { record: metrics(0.9, 0.3) },
    { record: metrics(0.9, 0.5) },
    { record: { status: 'failed' } },
  )
  assert.deepEqual(
    rows.map(({ split, name, values, best }) => [split, name, values, best]),
    [
      ['test', 'accuracy', [0.8, 0.9, 0.9, undefined], [1, 2]],
      ['test', 'loss', [0.4, 0.3, 0.5, undefined], [1]],
      ['test', 'f1', [0.5, 0.5, 0.5, undefined], []],
    ],
  )
})

test('the table: runs as rows, the best marked, curves on one scale', () => {
  const epochs = (...losses: number[]) =>
    losses.map((loss, i) => ({
      epoch: i + 1,
      phase: 1,
      train: { loss: 9 },
      validation: { loss },
      seconds: 1,
    }))
  const made = (seed: number, accuracy: number, ...losses: number[]) => ({
    config: { seed },
    record: { metrics: { test: { accuracy } }, epochs: epochs(...losses) },
  })
  const comparison = compared(made(1, 0.8, 0.9, 0.5, 0.3), made(2, 0.75, 1, 0.8))
  const columns = comparisonColumns(comparison, 'text')
  assert.equal(
    tableText(columns, [0, 1], 'text'),
    [
      'run                     seed  test.accuracy  validation.loss by epoch',
      '20261124-100000-aaaaa0     1       * 0.8000  ▇▃▁',
      '20261124-100001-aaaaa1     2         0.7500  █▆',
      '',
    ].join('\n'),
  )
  assert.equal(
    tableText(columns, [0, 1], 'text', 50),
    [
      'run                     seed  accuracy',
      '20261124-100000-aaaaa0     1  * 0.8000',
      '20261124-100001-aaaaa1     2    0.7500',
      '',
    ].join('\n'),
  )
  assert.match(blocksText(columns, [0, 1]), /^run {23}20261124-100000-aaaaa0\nseed /)
  assert.equal(
    tableText(comparisonColumns(comparison, 'csv'), [0, 1], 'csv'),
    'name,run,seed,test.accuracy\nmade,20261124-100000-aaaaa0,1,0.8\nmade,20261124-100001-aaaaa1,2,0.75\n',
  )
})

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { tableText, tableWidth, type Column } from '../../src/commands/table-text.ts'

interface Row {
  readonly name: string
  readonly size: number
  readonly why: string
}
const COLUMNS: readonly Column<Row>[] = [
  { title: 'name', value: ({ name }) => name },
  { title: 'size of it', short: 'size', right: true, value: ({ size }) => String(size) },
  { title: 'kind', extra: 1, value: () => 'apple' },
  { title: 'why', value: ({ why }) => why },
]
const ROWS: readonly Row[] = [
  { name: 'one', size: 1, why: 'because it was asked for' },
  { name: 'two', size: 20, why: 'changed' },
]

test('a table is as wide as it is where nobody says how wide it may be', () => {
  assert.equal(
    tableText(COLUMNS, ROWS, 'text'),
    [
      'name  size of it  kind   why',
      'one            1  apple  because it was asked for',
      'two           20  apple  changed',
      '',
    ].join('\n'),
  )
})

test('in a narrower terminal titles get short, then columns go, then the last one is broken', () => {
  const text = (width: number) => tableText(COLUMNS, ROWS, 'text', width)
  assert.match(text(49), /size of it/)
  assert.match(text(48), /^name {2}size {2}kind {3}why\n/)
  assert.match(text(42), /^name {2}size {2}why\n/)
  assert.equal(
    text(30),
    [
      'name  size  why',
      'one      1  because it was',
      '            asked for',
      'two     20  changed',
      '',
    ].join('\n'),
  )
  for (const width of [28, 30, 36, 42, 48]) {
    assert.ok(
      text(width)
        .split('\n')
        .every((line) => line.length <= width),
      `${width}`,
    )
  }
})

test('what goes to programs loses nothing', () => {
  assert.match(tableText(COLUMNS, ROWS, 'csv', 20), /^name,size of it,kind,why\n/)
  assert.match(tableText(COLUMNS, ROWS, 'md', 20), /^\| name \| size of it \| kind \| why \|\n/)
})

test('only a terminal says how wide it is', () => {
  assert.equal(tableWidth({ isTTY: true, columns: 60 }), 60)
  assert.equal(tableWidth({}), Infinity)
})

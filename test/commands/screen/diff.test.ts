import assert from 'node:assert/strict'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { diffJson } from '../../../src/commands/screen/diff-json.ts'
import { diffMarkdown, diffText } from '../../../src/commands/screen/diff.ts'
import { diffSides, type RunDiff } from '../../../src/runs/diff/diff.ts'
import { sideOfRun } from '../../../src/runs/diff/side.ts'
import type { StoredRun } from '../../../src/runs/read.ts'
import { textWidth } from '../../../src/util/width.ts'
import { answer, makeRun, picture } from '../../support/made-run.ts'

let root: string
let [a, b]: StoredRun[] = []
const STYLE = { precision: 4, all: false }

/** What a person, or somebody who means harm, may call a picture. */
const NAMES = [
  'plain.png',
  'a|b`c.png',
  '\u001b[31mred.png',
  'two\nlines.png',
  '<b>&amp;.png',
  'クッキー.png',
]

before(() => {
  root = mkdtempSync(join(tmpdir(), 'graft-screen-'))
  const many = Array.from(
    { length: 30 },
    (_, i) => `pictures/of/a/folder/with/a/long/name/${i}.png`,
  )
  const made = (id: string, learningRate: number, cat: number) => {
    const index = [...NAMES, ...many].map((name) => picture(name, 'cat'))
    const validation = many.map((name) => picture(`validation/${name}`, 'dog', 'validation'))
    return makeRun(root, {
      id,
      config: { optimizer: { learningRate }, freeze: `\u001b]0;${learningRate}` },
      index: [...index, ...validation, ...(cat > 0.5 ? [] : [picture('new`.png', 'dog')])],
      predictions: [
        ...index.map(({ path, label }) => answer(path, label, cat)),
        ...validation.map(({ path, label }) => answer(path, label, 0.9, 'validation')),
      ],
      record: { metrics: { test: { accuracy: cat > 0.5 ? 1 : 0, loss: cat } } },
    })
  }
  a = made('20261124-100000-aaaaaa', 0.1, 0.9)
  b = made('20261124-100001-bbbbbb', 0.2, 0.2)
})
after(() => rmSync(root, { recursive: true }))

function diff(options = {}): RunDiff {
  const places = { store: join(root, 'none'), cwd: root }
  return diffSides(sideOfRun(a!, places), sideOfRun(b!, places), options)
}

test('names of any kind leave terminal and table as they are', () => {
  const text = diffText(diff(), { ...STYLE, all: true }, Infinity)
  // eslint-disable-next-line no-control-regex
  assert.doesNotMatch(text, /[\u0000-\u0009\u000b-\u001f]/)
  assert.match(text, /\\x1b\[31mred\.png/)
  assert.match(text, /\ntest +two\\nlines\.png +cat /)
})

test('Markdown keeps its tables, whatever stands in a cell', () => {
  const text = diffMarkdown(diff(), { ...STYLE, all: true })
  const rows = text.split('\n').filter((line) => line.startsWith('| '))
  assert.ok(rows.length > 40)
  const cells = (row: string) => row.replaceAll('\\|', '').split('|').length
  const titles = text
    .split('\n')
    .flatMap((line, i, lines) =>
      (/^\| ---|^\| --:/.test(line) ? [i - 1] : []).map((at) => [at, cells(lines[at]!)]),
    )
  for (const [at, width] of titles) {
    const block = text.split('\n').slice(at)
    const end = block.findIndex((line) => !line.startsWith('|'))
    for (const row of block.slice(0, end < 0 ? undefined : end))
      assert.equal(cells(row), width, row)
  }
  assert.match(text, /\| `<b>&amp;\.png` \|/)
  assert.match(text, /\| a\\\|b\\`c\.png \|/)
  assert.doesNotMatch(text, /<(?!\/?(?:details|summary)>|b>&amp;)/)
})

test('ten of each kind are named, then how many more there are', () => {
  const text = diffText(diff(), STYLE, Infinity)
  const list = text.slice(text.indexOf('Right to wrong: 36'))
  assert.match(
    list,
    /^Right to wrong: 36\nsplit {2}picture .*\n(?:.*\n){10}and 26 more \(--all\)\n/,
  )
})

test('lines keep to the terminal, down to 40 columns', () => {
  for (const width of [100, 80, 60, 40]) {
    const lines = diffText(diff(), STYLE, width).split('\n')
    const long = lines.filter(
      (line) => textWidth(line) > width && !/folder|resolved\.yaml/.test(line),
    )
    assert.deepEqual(long, [], String(width))
  }
})

test('JSON has every key, null for what is not known', () => {
  const json = diffJson(diff()) as Record<string, unknown>
  const keys = ['a', 'b', 'verdict', 'same', 'metrics', 'config', 'data', 'stages', 'environment']
  assert.deepEqual(Object.keys(json), [...keys, 'answers', 'flips', 'notes'])
  assert.deepEqual(json['metrics'], [
    {
      split: 'test',
      name: 'accuracy',
      a: 1,
      b: 0,
      delta: -1,
      better: 'a',
      p: null,
      noise: null,
      repeats: null,
      same: false,
    },
    {
      split: 'test',
      name: 'loss',
      a: 0.9,
      b: 0.2,
      delta: -0.7,
      better: 'b',
      p: null,
      noise: null,
      repeats: null,
      same: false,
    },
  ])
  const places = { store: join(root, 'none'), cwd: root }
  const file = { title: 'a.yaml', config: undefined, stages: [], notes: [] }
  const other = diffJson(diffSides(sideOfRun(a!, places), file)) as Record<string, unknown>
  assert.deepEqual(
    [other['b'], other['config'], other['data'], other['flips']],
    [{ file: 'a.yaml' }, null, null, null],
  )
})

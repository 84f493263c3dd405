import assert from 'node:assert/strict'
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, it } from 'node:test'
import fc from 'fast-check'
import { openTable, type RunTable } from '../../src/runs/list/columns.ts'
import { COMPARISONS, parseFilter, type Filter } from '../../src/runs/list/filter.ts'
import { listRuns } from '../../src/runs/list/list.ts'
import { columnOf, sorted, testOf } from '../../src/runs/list/query.ts'
import { RUN_FILES, type RunRecord } from '../../src/runs/record.ts'
import { PipelineError } from '../../src/util/diagnostic.ts'
import { madeRecord, writeManyRuns } from '../support/many-runs.ts'

type Plain = Filter | string

/** Without places: `[op, key, value]`, `[key]`, `{and: […]}`. */
function plain(filter: Filter): unknown {
  if ('parts' in filter) return { [filter.op]: filter.parts.map(plain) }
  if ('part' in filter) return { not: plain(filter.part) }
  if (filter.op === 'is') return [filter.key.text]
  return [filter.op, filter.key.text, filter.value.text]
}

/** A tree as an expression, with brackets around everything, words in quotes where they need it. */
function printed(tree: unknown): string {
  if (Array.isArray(tree)) {
    const words = tree as string[]
    if (words.length === 1) return quoted(words[0]!)
    return `${quoted(words[1]!)} ${words[0]!} ${quoted(words[2]!)}`
  }
  const [[op, inner]] = Object.entries(tree as object) as [[string, unknown]]
  if (op === 'not') return `not (${printed(inner)})`
  return (inner as unknown[]).map((part) => `(${printed(part)})`).join(` ${op} `)
}

function quoted(text: string): string {
  if (/^[\w.*-]+$/.test(text) && !/^(?:and|or|not)$/i.test(text)) return text
  return `"${text.replace(/["\\]/g, '\\$&')}"`
}

function failed(body: () => unknown): string {
  try {
    body()
  } catch (error) {
    assert.ok(error instanceof PipelineError)
    assert.equal(error.diagnostics[0]!.code, 'USAGE')
    return error.diagnostics[0]!.message
  }
  return assert.fail('it was taken')
}

describe('a filter is read', () => {
  const cases: Readonly<Record<string, unknown>> = {
    'accuracy > 0.9 and optimizer.learningRate = 0.001 and status = done': {
      and: [
        ['>', 'accuracy', '0.9'],
        ['=', 'optimizer.learningRate', '0.001'],
        ['=', 'status', 'done'],
      ],
    },
    'a=1 or b>=2 and not c~x*': {
      or: [['=', 'a', '1'], { and: [['>=', 'b', '2'], { not: ['~', 'c', 'x*'] }] }],
    },
    '(a = 1 or b = 2) AND c': {
      and: [
        {
          or: [
            ['=', 'a', '1'],
            ['=', 'b', '2'],
          ],
        },
        ['c'],
      ],
    },
    'not not a': { not: { not: ['a'] } },
    "note = 'it''s'": 'and, or or the end is missing',
    'note = "and \\"or\\""': ['=', 'note', 'and "or"'],
    "name !~ '[!a]*' and x != -1": {
      and: [
        ['!~', 'name', '[!a]*'],
        ['!=', 'x', '-1'],
      ],
    },
    'name ~ [!a]*': ['~', 'name', '[!a]*'],
    'a == 1': ['=', 'a', '1'],
    'a!=1': ['!=', 'a', '1'],
  }
  for (const [text, tree] of Object.entries(cases)) {
    it(text, () => {
      if (typeof tree === 'string')
        assert.match(
          failed(() => parseFilter(text)),
          new RegExp(tree),
        )
      else assert.deepEqual(plain(parseFilter(text)), tree)
    })
  }

  const word = fc.oneof(
    fc.constantFrom(
      'accuracy',
      'optimizer.learningRate',
      'and',
      'NOT',
      '',
      'a"b',
      "it's",
      '\\',
      '(',
    ),
    fc.string({ maxLength: 6 }),
  )
  const tree = fc.letrec<{ tree: Plain; leaf: Plain }>((tie) => ({
    leaf: fc.oneof(
      fc.tuple(word),
      fc.tuple(fc.constantFrom(...COMPARISONS), word, word),
    ) as unknown as fc.Arbitrary<Plain>,
    tree: fc.oneof(
      { depthSize: 'small' },
      tie('leaf'),
      tie('tree').map((part) => ({ not: part })) as unknown as fc.Arbitrary<Plain>,
      fc
        .tuple(fc.constantFrom('and', 'or'), fc.array(tie('tree'), { minLength: 2, maxLength: 3 }))
        .map(([op, parts]) => ({ [op]: parts }) as unknown as Plain),
    ),
  })).tree

  it('as it was written, whatever stands in its words', () => {
    fc.assert(
      fc.property(tree, (expected) => {
        assert.deepEqual(plain(parseFilter(printed(expected))), expected)
      }),
      { numRuns: 500 },
    )
  })

  it('or refused with a place in it, whatever it is', () => {
    const pieces = fc.constantFrom(
      'a',
      '=',
      '(',
      ')',
      'and',
      'or',
      'not',
      '"x"',
      '"',
      ' ',
      '~',
      '1',
    )
    fc.assert(
      fc.property(fc.array(pieces, { maxLength: 8 }), (parts) => {
        const text = parts.join(' ')
        try {
          parseFilter(text)
        } catch (error) {
          assert.ok(error instanceof PipelineError)
          const at = /^--filter, character (\d+): /.exec(error.diagnostics[0]!.message)
          assert.ok(Number(at?.[1]) >= 1 && Number(at?.[1]) <= text.length + 1)
        }
      }),
    )
  })

  it('with the place of what is wrong marked below it', () => {
    assert.equal(
      failed(() => parseFilter('accuracy > and status = done')),
      '--filter, character 12: a value is missing, got "and"\n  accuracy > and status = done\n             ^',
    )
    assert.match(
      failed(() => parseFilter('')),
      /^--filter, character 1: a key is missing, got the end/,
    )
    assert.match(
      failed(() => parseFilter('name = "x')),
      /character 8: a quote that is not closed/,
    )
    assert.match(
      failed(() => parseFilter('(a = 1')),
      /character 7: and, or or a closing bracket/,
    )
    assert.match(
      failed(() => parseFilter('a = 1 b = 2')),
      /character 7: and, or or the end is missing/,
    )
  })

  it('quickly, or not at all, where it is hostile', () => {
    const began = performance.now()
    for (const part of ['(', 'not ', '"', '!', 'a ', '\\', 'a and ', '=']) {
      try {
        parseFilter(part.repeat(20_000))
      } catch (error) {
        assert.ok(error instanceof PipelineError, part)
      }
    }
    assert.ok(performance.now() - began < 5000)
  })
})

describe('a filter of runs', () => {
  const COUNT = 40
  const records: readonly RunRecord[] = Array.from({ length: COUNT }, (_, i) => madeRecord(i, 5))
  let root: string
  let table: RunTable
  before(() => {
    root = mkdtempSync(join(tmpdir(), 'graft-filter-'))
    writeManyRuns(root, COUNT)
    const { name, id } = records[0]!
    writeFileSync(
      join(root, name, id, RUN_FILES.marks),
      '{"note": "a note", "tags": {"best": true, "x": false}}',
    )
    table = openTable(root, listRuns(root))
  })
  after(() => rmSync(root, { recursive: true }))

  async function fitting(text: string): Promise<number[]> {
    const test = await testOf(text, table)
    return table.runs.flatMap((run) => (test(run) ? [run.index] : []))
  }
  const expected = (test: (record: RunRecord, i: number) => boolean) =>
    records.flatMap((record, i) => (test(record, i) ? [i] : []))

  const cases: Readonly<Record<string, (record: RunRecord, i: number) => boolean>> = {
    'accuracy > 0.9': ({ metrics }) => metrics['test']!['accuracy']! > 0.9,
    'validation.loss <= 0.4': ({ metrics }) => metrics['validation']!['loss']! <= 0.4,
    'status = done and name ~ fruits*': (r) => r.status === 'done' && r.name.startsWith('fruits'),
    'name !~ fruits* or seed = 2': (r) => !r.name.startsWith('fruits') || r.seed === 2,
    'optimizer.learningRate = 1e-3': (_, i) => i % 5 === 2,
    'learningRate = 1/1000': (_, i) => i % 5 === 2,
    'tag = x': (_, i) => i % 4 === 0 && i > 0,
    'tag = best': (_, i) => i === 0,
    'tag != x': (_, i) => i % 4 !== 0 || i === 0,
    'tags and not note': (_, i) => i % 4 === 0 && i > 0,
    'note ~ "a n*"': (_, i) => i === 0,
    dirty: (_, i) => i % 2 === 0,
    'freeze = all': (_, i) => i % 2 === 0,
    'freeze.first >= 100': (_, i) => i % 2 === 1,
    'freeze ~ first*': (_, i) => i % 2 === 1,
    'dataset.imageSize = 224 and exif = false': () => true,
    'augmentation.rotationRange > 0': () => false,
    'test.auc > 0': () => false,
    'started > 2026-01-01T00:30': (_, i) => i >= 30,
    'accuracy > abc': () => false,
  }
  for (const [text, test] of Object.entries(cases)) {
    it(text, async () => assert.deepEqual(await fitting(text), expected(test)))
  }

  it('keeps the laws of logic', async () => {
    const part = fc.constantFrom(...Object.keys(cases))
    const all = table.runs.map(({ index }) => index)
    await fc.assert(
      fc.asyncProperty(part, part, async (a, b) => {
        const [of, other] = [await fitting(a), await fitting(b)]
        assert.deepEqual(
          await fitting(`not (${a})`),
          all.filter((i) => !of.includes(i)),
        )
        assert.deepEqual(
          await fitting(`(${a}) and (${b})`),
          of.filter((i) => other.includes(i)),
        )
        assert.deepEqual(
          await fitting(`not (${a}) or not (${b})`),
          await fitting(`not ((${a}) and (${b}))`),
        )
      }),
      { numRuns: 50 },
    )
  })

  it('says which key no run can have, and where it stands', async () => {
    const refused = async (text: string) => {
      const error = await testOf(text, table).then(
        () => undefined,
        (e: unknown) => e,
      )
      assert.ok(error instanceof PipelineError, text)
      return `${error.diagnostics[0]!.message} ${error.diagnostics[0]!.hint}`
    }
    assert.match(
      await refused('name = a and acuracy > 1'),
      /^--filter, character 14: unknown key "acuracy"; did you mean "accuracy"\?\n/,
    )
    assert.match(
      await refused('units = 1'),
      /"units" means 2 keys.*write one of head\.1\.Dense\.units/s,
    )
    assert.match(
      await refused('optimizer.learningrate = 1'),
      /did you mean "optimizer.learningRate"/,
    )
    assert.match(await refused('__proto__ = 1'), /unknown key/)
  })

  it('sorts by a column either way, what has no value last', async () => {
    const ids = async (key: string, isDescending: boolean) =>
      sorted(table.runs, await columnOf(key, '--sort', table), isDescending).map(
        ({ index }) => index,
      )
    const by = (value: (r: RunRecord, i: number) => number) =>
      records
        .map((r, i) => [value(r, i), i] as const)
        .sort((a, b) => a[0] - b[0])
        .map(([, i]) => i)
    assert.deepEqual(
      await ids('accuracy', false),
      by((r) => r.metrics['test']!['accuracy']!),
    )
    assert.deepEqual(
      await ids('accuracy', true),
      by((r) => -r.metrics['test']!['accuracy']!),
    )
    const odd = (_: unknown, i: number) => (i % 2 === 1 ? 0 : 1)
    assert.deepEqual(await ids('freeze.first', false), by(odd))
    assert.deepEqual(await ids('freeze.first', true), by(odd))
  })

  it('of no runs takes any key', async () => {
    const empty = join(root, 'nothing')
    mkdirSync(empty)
    await testOf('acuracy > 1', openTable(empty, []))
  })
})

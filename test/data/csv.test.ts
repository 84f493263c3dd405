import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { parseCsv } from '../../src/data/csv.ts'
import { PipelineError } from '../../src/util/diagnostic.ts'

const fields = (text: string) => parseCsv(text, 't.csv').map((record) => record.fields)

test('fields, quotes, line ends and positions', () => {
  assert.deepEqual(fields('a,b\r\n1,"x, ""y"""\n\n,\n'), [
    ['a', 'b'],
    ['1', 'x, "y"'],
    ['', ''],
  ])
  assert.deepEqual(fields('\ufeffa,b'), [['a', 'b']])
  const records = parseCsv('a\n"two\nlines"\nlast', 't.csv')
  assert.deepEqual(
    records.map((r) => r.line),
    [1, 2, 4],
  )
})

test('whatever is written by the rules is read back', () => {
  const text = fc.string({ unit: fc.constantFrom('a', ',', '"', '\n', '\r', ' ', 'é', '𝒳') })
  const table = fc.array(fc.array(text, { minLength: 2, maxLength: 4 }), { minLength: 1 })
  const quote = (field: string) => `"${field.replaceAll('"', '""')}"`
  fc.assert(
    fc.property(table, fc.constantFrom('\n', '\r\n'), (rows, end) => {
      const written = rows.map((row) => row.map(quote).join(',')).join(end)
      assert.deepEqual(fields(written), rows)
    }),
  )
})

test('a quote out of place is refused where it stands', () => {
  const cases: [string, number, number, RegExp][] = [
    ['a,b\n1,"open', 2, 3, /not closed/],
    ['a\nx"y', 2, 2, /not quoted/],
    ['"a" ,b', 1, 4, /follows a quoted field/],
    ['a\n"x\ny"z', 3, 3, /follows a quoted field/],
  ]
  for (const [text, line, col, message] of cases) {
    assert.throws(
      () => parseCsv(text, 't.csv'),
      (error) => {
        assert.ok(error instanceof PipelineError)
        assert.match(error.message, message)
        assert.deepEqual(error.diagnostics[0]!.at, { file: 't.csv', line, col })
        return true
      },
    )
  }
})

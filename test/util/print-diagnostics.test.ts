import assert from 'node:assert/strict'
import { test } from 'node:test'
import { annotationsText, diagnosticsText } from '../../src/util/print-diagnostics.ts'

const at = { file: 'a.yaml', line: 2, col: 4 }
const lines = () => ['first', '\tab: "x y" # \u001b[31m', '', 'last']

test('a diagnostic has its place, its code, a frame and a hint', () => {
  const text = diagnosticsText(
    [{ code: 'WRONG_VALUE', message: 'no\u001b[2J', at: { ...at, col: 6 }, hint: 'write y' }],
    { color: false, lines },
  )
  assert.equal(
    text,
    'a.yaml:2:6 WRONG_VALUE no\\x1b[2J\n  1 | first\n> 2 | \tab: "x y" # \\x1b[31m\n    | \t    ^^^^^\n  hint: write y\n',
  )
})

test('without a place or a readable file there is no frame', () => {
  const plain = diagnosticsText([{ code: 'USAGE', message: 'no' }], { color: false })
  assert.equal(plain, 'USAGE no\n')
  const gone = diagnosticsText([{ code: 'NOTE', message: 'm', at, severity: 'warning' }], {
    color: false,
  })
  assert.equal(gone, 'a.yaml:2:4 NOTE warning: m\n')
})

test('colours stand there only when asked for', () => {
  const colored = diagnosticsText([{ code: 'USAGE', message: 'no' }], { color: true })
  assert.ok(colored.includes('\u001b[31mUSAGE\u001b[39m no'))
})

test('long lines are cut, and the mark stays below its word', () => {
  const long = `${'x'.repeat(500)} y`
  const text = diagnosticsText(
    [{ code: 'NOTE', message: 'm', at: { file: 'f', line: 1, col: 500 } }],
    {
      color: false,
      lines: () => [long],
    },
  )
  assert.ok(text.split('\n').every((line) => line.length < 140))
})

test('annotations escape what would end them', () => {
  const text = annotationsText([
    { code: 'NOTE', message: '50%\n::error::x', at: { file: 'a,b:c', line: 1, col: 2 } },
  ])
  assert.equal(text, '::error file=a%2Cb%3Ac,line=1,col=2,title=NOTE::50%25%0A::error::x\n')
})

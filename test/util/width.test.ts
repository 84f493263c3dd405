import assert from 'node:assert/strict'
import { test } from 'node:test'
import stringWidth from 'string-width'
import { countText } from '../../src/util/text.ts'
import { textWidth } from '../../src/util/width.ts'

test('texts take as many cells as string-width says', () => {
  const texts = [
    '',
    'plain text, 123',
    'Bäume und Füße',
    'e\u0301te\u0301',
    '猫と犬',
    '고양이',
    '🐈 cat',
    '👩‍👩‍👧‍👦 family',
    '❤️',
    'ｆｕｌｌ',
    '✓ ● █░',
    'кошка',
    'قطة',
  ]
  for (const text of texts) assert.equal(textWidth(text), stringWidth(text), text)
})

test('numbers have commas', () => {
  const cases: readonly [number, string][] = [
    [0, '0'],
    [999, '999'],
    [1000, '1,000'],
    [1_234_567.4, '1,234,567'],
    [-12_345, '-12,345'],
  ]
  for (const [value, text] of cases) assert.equal(countText(value), text)
})

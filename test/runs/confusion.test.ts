import assert from 'node:assert/strict'
import { test } from 'node:test'
import sharp from 'sharp'
import { confusionSvg } from '../../src/runs/confusion.ts'

const counts = [
  [9, 1],
  [0, 5],
]

test('every cell is there, with its numbers and in words; names are escaped', () => {
  const svg = confusionSvg(counts, ['cats & co', '<dogs>'], 'a "title"')
  assert.equal(svg.match(/<title>/g)?.length, 4)
  assert.ok(svg.includes('cats &#38; co taken for &#60;dogs&#62;: 1 of 10'))
  assert.ok(svg.includes('aria-label="a &#34;title&#34;"'))
  assert.ok(!svg.includes('>0<'), 'a zero is left blank')
})

test('it is a picture that a renderer reads: right cells are dark, empty ones light', async () => {
  const svg = confusionSvg(counts, ['cats', 'dogs'], 'test')
  const { data, info } = await sharp(Buffer.from(svg)).raw().toBuffer({ resolveWithObject: true })
  const cell = /<rect x="(\d+)" y="(\d+)" width="(\d+)"/g
  const corners = [...svg.matchAll(cell)].map(([, x, y]) => [Number(x) + 3, Number(y) + 3])
  const red = corners.map(([x, y]) => data[(y! * info.width + x!) * info.channels]!)
  assert.ok(red[0]! < 60 && red[3]! < 30, `${red}`)
  assert.ok(red[1]! > 200 && red[2]! > 230, `${red}`)
})

test('many classes stay one readable square', () => {
  const n = 120
  const rows = Array.from({ length: n }, (_, i) =>
    Array.from({ length: n }, (__, j) => (i === j ? 7 : 0)),
  )
  const names = Array.from({ length: n }, (_, i) => `class ${i}`)
  const svg = confusionSvg(rows, names, 'many')
  const width = Number(/width="(\d+)"/.exec(svg)![1])
  assert.ok(width < 1800, `${width} pixels wide`)
})

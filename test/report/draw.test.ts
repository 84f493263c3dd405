import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { curvesChart } from '../../src/report/charts/curves.ts'
import { draw } from '../../src/report/charts/draw.ts'
import { text } from '@observablehq/plot'
import { HOSTILE } from './reports.ts'

describe('a drawing', () => {
  it('is one picture with one label, without styles of its own', () => {
    const { text: svg } = draw('Loss by epoch.', { marks: [text(['a'])] })
    assert.match(svg, /^<svg aria-label="Loss by epoch\." role="img" /)
    assert.equal(svg.match(/aria-/g)?.length, 1)
    assert.doesNotMatch(svg, /<style|<script|font-family/)
  })

  for (const name of HOSTILE) {
    it(`writes ${JSON.stringify(name)} as text`, () => {
      const { text: svg } = draw(name, { marks: [text([name], { title: [name] })] })
      const tags = [...svg.matchAll(/<(\w+)/g)].map((match) => match[1])
      assert.deepEqual([...new Set(tags)].sort(), ['g', 'path', 'svg', 'text', 'title'])
      // Attributes without their values: a name is in no place where it would be one.
      assert.doesNotMatch(svg.replace(/="[^"]*"/g, '').replace(/>[^<]*</g, '><'), /\bon\w+/)
      assert.doesNotMatch(svg, /[\u0000\p{Surrogate}]/u)
    })
  }
})

describe('curves', () => {
  const points = [1, 2, 3].map((epoch) => ({ epoch, value: 1 / epoch }))
  const curves = [
    { name: 'train', colour: 'var(--train)', dashed: true, points },
    { name: 'validation', colour: 'var(--validation)', points },
  ]
  const chart = (changes: object = {}) =>
    curvesChart({ label: 'Loss.', curves, phaseStarts: [], percent: false, ...changes }).text

  it('have a line each, and colours of the page', () => {
    const lines = chart().match(/<path d="M[^"]*L[^"]*"/g) ?? []
    assert.equal(lines.length, 2)
    assert.ok(chart().includes('var(--train)') && chart().includes('var(--validation)'))
  })

  it('have whole epochs below, however many', () => {
    const many = Array.from({ length: 137 }, (_, i) => ({ epoch: i + 1, value: i }))
    const svg = chart({ curves: [{ name: 'train', colour: 'red', points: many }] })
    const ticks = [...svg.matchAll(/y="0\.71em">(\d[^<]*)</g)].map((match) => match[1])
    assert.deepEqual(ticks, ['1', '20', '40', '60', '80', '100', '120'])
    assert.doesNotMatch(svg, /<circle/)
  })

  it('have a rule where a phase begins, between its first epoch and the one before', () => {
    assert.doesNotMatch(chart(), /phase 2/)
    assert.match(chart({ phaseStarts: [3] }), /phase 2/)
  })

  it('draw one epoch as a point', () => {
    const svg = chart({ curves: [{ ...curves[0], points: [points[0]] }] })
    assert.equal(svg.match(/<circle/g)?.length, 1)
    assert.doesNotMatch(svg, /NaN/)
  })
})

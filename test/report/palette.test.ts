import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import {
  contrast,
  heatColour,
  heatStep,
  HEAT_STEPS,
  PALETTE,
  variables,
} from '../../src/report/palette.ts'

describe('the colours of pages', () => {
  it('have contrasts as WCAG 2.2 computes them', () => {
    assert.equal(contrast('#000000', '#ffffff'), 21)
    // Worked out with the formula of the recommendation: #777777 on white is the known near miss.
    assert.equal(contrast('#777777', '#ffffff').toFixed(2), '4.48')
    assert.equal(contrast('#ffffff', '#0000ff').toFixed(2), '8.59')
  })

  for (const scheme of ['light', 'dark'] as const) {
    const colours = PALETTE[scheme]
    it(`can be read in ${scheme}: text at 4.5 and more, lines of drawings at 3`, () => {
      for (const tone of ['text', 'muted', 'accent', 'good', 'bad', 'warn'] as const) {
        for (const ground of ['page', 'raised'] as const) {
          const ratio = contrast(colours[tone], colours[ground])
          assert.ok(ratio >= 4.5, `${tone} on ${ground}: ${ratio}`)
        }
      }
      for (const tone of ['train', 'validation', 'wrong'] as const) {
        assert.ok(contrast(colours[tone], colours.page) >= 3, tone)
      }
    })

    it(`have numbers in every cell of a heat map that can be read in ${scheme}`, () => {
      for (const heat of ['right', 'wrong'] as const) {
        for (let step = 0; step <= HEAT_STEPS; step += 1) {
          const { fill, text } = heatColour(scheme, heat, step)
          assert.ok(contrast(fill, text) >= 4.5, `${heat} ${step}: ${text} on ${fill}`)
          assert.ok(variables(scheme).includes(`--${heat}-${step}:${fill};`))
        }
      }
    })
  }

  it('show the least share that there is, and none as none', () => {
    assert.deepEqual([0, 1e-6, 0.01, 0.25, 1].map(heatStep), [0, 1, 1, 5, 10])
  })
})

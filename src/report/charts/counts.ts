import { axisX, axisY, gridY, rectY } from '@observablehq/plot'
import type { Calibration } from '../calibration.ts'
import type { Html } from '../html.ts'
import { draw, percentTick } from './draw.ts'

/** How many answers had which probability, those that were right below those that were wrong. */
export function confidenceChart({ bins }: Calibration, label: string): Html {
  const parts = bins.flatMap(({ from, to, count, right }) => [
    { from, to, low: 0, high: right, colour: 'var(--accent)' },
    { from, to, low: right, high: count, colour: 'var(--wrong)' },
  ])
  const filled = parts.filter(({ low, high }) => high > low)
  return draw(label, {
    width: 400,
    height: 330,
    marginLeft: 46,
    marginRight: 14,
    marginTop: 26,
    marginBottom: 38,
    x: { domain: [0, 1] },
    y: { nice: true },
    marks: [
      gridY({ stroke: 'var(--line)', strokeOpacity: 1, ticks: 5 }),
      rectY(filled, {
        x1: 'from',
        x2: 'to',
        y1: 'low',
        y2: 'high',
        fill: 'colour',
        insetLeft: 1,
        insetRight: 1,
      }),
      axisY({ tickSize: 0, labelArrow: 'none', fill: 'var(--muted)', ticks: 5, label: 'pictures' }),
      axisX({
        tickSize: 0,
        labelArrow: 'none',
        fill: 'var(--muted)',
        tickFormat: percentTick,
        ticks: 5,
        label: 'probability of the answer',
      }),
    ],
  })
}

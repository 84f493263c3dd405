import { axisX, axisY, gridX, gridY, link, rectY, ruleX, dot } from '@observablehq/plot'
import type { Calibration } from '../calibration.ts'
import type { Html } from '../html.ts'
import { wilson } from '../statistics.ts'
import { draw, percentTick } from './draw.ts'

const [WIDTH, HEIGHT] = [400, 330]

/**
 * How often answers are right, by their probability: on the diagonal they are as often right as they say. Upright lines
 * are 95 % intervals, which are long where a bin has few pictures.
 */
export function reliabilityChart({ bins }: Calibration, label: string): Html {
  const filled = bins
    .filter(({ count }) => count > 0)
    .map((bin) => {
      const [low, high] = wilson(bin.right, bin.count)
      return { ...bin, accuracy: bin.right / bin.count, low, high }
    })
  const axis = {
    tickSize: 0,
    labelArrow: 'none',
    fill: 'var(--muted)',
    tickFormat: percentTick,
    ticks: 5,
  } as const
  return draw(label, {
    width: WIDTH,
    height: HEIGHT,
    marginLeft: 46,
    marginRight: 14,
    marginTop: 26,
    marginBottom: 38,
    x: { domain: [0, 1] },
    y: { domain: [0, 1] },
    marks: [
      gridY({ stroke: 'var(--line)', strokeOpacity: 1, ticks: 5 }),
      gridX({ stroke: 'var(--line)', strokeOpacity: 1, ticks: 5 }),
      link([0], { x1: 0, y1: 0, x2: 1, y2: 1, stroke: 'var(--muted)', strokeDasharray: '5 4' }),
      rectY(filled, {
        x1: 'from',
        x2: 'to',
        y: 'accuracy',
        fill: 'var(--accent)',
        fillOpacity: 0.16,
        insetLeft: 1,
        insetRight: 1,
      }),
      ruleX(filled, {
        x: 'confidence',
        y1: 'low',
        y2: 'high',
        stroke: 'var(--accent)',
        strokeOpacity: 0.7,
      }),
      dot(filled, { x: 'confidence', y: 'accuracy', fill: 'var(--accent)', r: 3.5 }),
      axisY({ ...axis, label: 'right', labelAnchor: 'top' }),
      axisX({ ...axis, label: 'probability of the answer' }),
    ],
  })
}

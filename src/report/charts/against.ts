import { axisX, axisY, dot, gridY, link } from '@observablehq/plot'
import type { Html } from '../html.ts'
import { draw, percentTick } from './draw.ts'
import { fitting, type ParallelAxis } from './parallel.ts'

export interface AgainstPoint {
  /** 0..1, where the parameter's value stands. */
  readonly at: number
  readonly value: number
  readonly look: 'whole' | 'cut' | 'best'
}

export interface AgainstOptions {
  readonly label: string
  readonly axis: Pick<ParallelAxis, 'ticks'>
  /** Where a short line stands: at the mean of a value's trials. */
  readonly means: readonly { readonly at: number; readonly value: number }[]
  /** 0..1 shown as percent. */
  readonly percent: boolean
}

const [WIDTH, HEIGHT] = [400, 230]
const [LEFT, RIGHT] = [46, 24]
/** Half of the line at a mean, as a share of the width. */
const HALF = 0.035

/** A figure against a parameter, a dot a trial: filled, or a ring where it was ended early; the best one has a ring around it. */
export function againstChart(
  points: readonly AgainstPoint[],
  { label, axis, means, percent }: AgainstOptions,
): Html {
  const ticks = fitting(axis.ticks, WIDTH - LEFT - RIGHT)
  const names = new Map(ticks.map(({ at, text }) => [at, text]))
  const of = (look: AgainstPoint['look']) => points.filter((point) => point.look === look)
  const place = { x: 'at', y: 'value' } as const
  return draw(label, {
    width: WIDTH,
    height: HEIGHT,
    marginLeft: LEFT,
    marginRight: RIGHT,
    marginTop: 12,
    marginBottom: 30,
    x: { domain: [0, 1], inset: 12 },
    y: { nice: true },
    marks: [
      gridY({ stroke: 'var(--line)', strokeOpacity: 1, ticks: 5 }),
      axisY({
        ticks: 5,
        tickSize: 0,
        label: null,
        fill: 'var(--muted)',
        ...(percent ? { tickFormat: percentTick } : {}),
      }),
      axisX([...names.keys()], {
        tickSize: 0,
        label: null,
        fill: 'var(--muted)',
        tickFormat: (at: number) => names.get(at) ?? '',
      }),
      link(
        means.map(({ at, value }) => ({ x1: at - HALF, x2: at + HALF, value })),
        {
          x1: 'x1',
          x2: 'x2',
          y1: 'value',
          y2: 'value',
          stroke: 'var(--text)',
          strokeWidth: 1.5,
          strokeOpacity: 0.7,
        },
      ),
      dot(of('cut'), { ...place, r: 3.2, stroke: 'var(--muted)', strokeWidth: 1.3 }),
      dot([...of('whole'), ...of('best')], {
        ...place,
        r: 3.6,
        fill: 'var(--accent)',
        fillOpacity: 0.75,
      }),
      dot(of('best'), { ...place, r: 7, stroke: 'var(--good)', strokeWidth: 2 }),
    ],
  })
}

import { axisX, axisY, dot, gridY, lineY, ruleX, text } from '@observablehq/plot'
import type { Html } from '../html.ts'
import { draw, percentTick } from './draw.ts'

export interface Curve {
  /** `train`, `validation`, a trial. */
  readonly name: string
  /** A CSS colour. */
  readonly colour: string
  readonly dashed?: boolean
  /** Pixels; 2 where it is left out. Thinner lines go without dots. */
  readonly weight?: number
  readonly points: readonly CurvePoint[]
}

export interface CurvePoint {
  readonly epoch: number
  readonly value: number
}

export interface CurvesOptions {
  readonly label: string
  readonly curves: readonly Curve[]
  /** The epochs that phases begin with, but the first one's. */
  readonly phaseStarts: readonly number[]
  /** A point to mark: the best epoch. */
  readonly best?: CurvePoint | undefined
  /** 0..1 shown as percent. */
  readonly percent: boolean
}

const [WIDTH, HEIGHT] = [400, 240]
/** Longer curves are lines without a dot for each epoch. */
const DOTS = 40

/** A figure by epoch: a line a curve, a rule between phases, and a ring around the best. */
export function curvesChart({ label, curves, phaseStarts, best, percent }: CurvesOptions): Html {
  const points = curves.flatMap((curve) => curve.points.map((point) => ({ ...point, curve })))
  const epochs = [...new Set(points.map(({ epoch }) => epoch))].sort((a, b) => a - b)
  const [first = 1, last = 1] = [epochs[0], epochs.at(-1)]
  const span = first === last ? [first - 0.5, first + 0.5] : [first, last]
  const ticks = wholeTicks(first, last)
  const marks = curves.flatMap(({ points, colour, dashed, weight = 2 }) => [
    lineY(points, {
      x: 'epoch',
      y: 'value',
      stroke: colour,
      strokeWidth: weight,
      ...(dashed ? { strokeDasharray: '5 4' } : {}),
    }),
    ...((epochs.length <= DOTS && weight >= 2) || points.length === 1
      ? [dot(points, { x: 'epoch', y: 'value', fill: colour, r: 2.2 })]
      : []),
  ])
  return draw(label, {
    width: WIDTH,
    height: HEIGHT,
    marginLeft: 46,
    marginRight: 14,
    marginTop: phaseStarts.length > 0 ? 26 : 12,
    marginBottom: 36,
    x: { domain: span },
    y: { nice: true, zero: !percent },
    marks: [
      gridY({ stroke: 'var(--line)', strokeOpacity: 1, ticks: 5 }),
      axisY({
        ticks: 5,
        tickSize: 0,
        label: null,
        fill: 'var(--muted)',
        ...(percent ? { tickFormat: percentTick } : {}),
      }),
      axisX(ticks, {
        tickSize: 0,
        label: 'epoch',
        labelArrow: 'none',
        fill: 'var(--muted)',
        tickFormat: 'd',
      }),
      ruleX(
        phaseStarts.map((epoch) => epoch - 0.5),
        {
          stroke: 'var(--muted)',
          strokeDasharray: '2 3',
        },
      ),
      text(
        phaseStarts.map((epoch, i) => ({ x: epoch - 0.5, text: `phase ${i + 2}` })),
        {
          x: 'x',
          text: 'text',
          frameAnchor: 'top',
          dy: -14,
          dx: 4,
          textAnchor: 'start',
          fill: 'var(--muted)',
        },
      ),
      ...marks,
      ...(best
        ? [dot([best], { x: 'epoch', y: 'value', r: 5.5, stroke: 'var(--text)', strokeWidth: 1.5 })]
        : []),
    ],
  })
}

/** At most eight whole numbers from first to last. */
function wholeTicks(first: number, last: number): number[] {
  const step = niceStep((last - first) / 7)
  const ticks = [first]
  for (let at = Math.ceil((first + step / 2) / step) * step; at <= last; at += step) ticks.push(at)
  return [...new Set(ticks)]
}

function niceStep(least: number): number {
  if (least <= 1) return 1
  const power = 10 ** Math.floor(Math.log10(least))
  return [1, 2, 5, 10].map((n) => n * power).find((step) => step >= least)!
}

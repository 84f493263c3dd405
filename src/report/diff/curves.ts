import type { EpochRecord } from '../../runs/record.ts'
import { curvesChart, type Curve, type CurvePoint } from '../charts/curves.ts'
import { bestEpoch, epochPoints } from '../epochs.ts'
import { figure, legend } from '../figure.ts'
import { figureText, isPercent, metricTitle } from '../figures.ts'
import { markup, type Html } from '../html.ts'
import type { Section } from '../page.ts'
import { table } from '../table.ts'
import type { DiffReport } from './read.ts'

interface Line extends Curve {
  readonly side: 'A' | 'B'
  readonly split: 'train' | 'validation'
}

type Epochs = readonly EpochRecord[]

/** Figures by epoch of both in one drawing each. */
export function curves({ diff }: DiffReport): Section | undefined {
  const [a, b] = [diff.a.record?.epochs ?? [], diff.b.record?.epochs ?? []]
  const figures = [...a, ...b].flatMap(({ train, validation = {} }) => [train, validation])
  const names = new Set(figures.flatMap(Object.keys))
  const drawn = [...names].flatMap((metric) => drawing(metric, a, b) ?? [])
  if (drawn.length === 0) return undefined
  return { id: 'curves', title: 'Learning', body: markup`<div class="pair">${drawn}</div>` }
}

function linesOf(metric: string, a: Epochs, b: Epochs): Line[] {
  return (['A', 'B'] as const).flatMap((side) =>
    (['train', 'validation'] as const).flatMap((split) => {
      const points = epochPoints(side === 'A' ? a : b, split, metric)
      const colour = `var(--side-${side.toLowerCase()})`
      const line = { name: `${side} ${split}`, side, split, colour, points }
      return points.length === 0 ? [] : [{ ...line, dashed: split === 'train' }]
    }),
  )
}

function drawing(metric: string, a: Epochs, b: Epochs): Html | undefined {
  const lines = linesOf(metric, a, b)
  if (lines.length === 0) return undefined
  const best = (['A', 'B'] as const).flatMap((side) => {
    const found = bestEpoch(side === 'A' ? a : b, metric)
    return found ? [`${side} ${figureText(metric, found.value)} after epoch ${found.epoch}`] : []
  })
  const epochs = [...new Set(lines.flatMap(({ points }) => points.map(({ epoch }) => epoch)))]
  const said = best.length > 0 && markup`<small>best on validation: ${best.join(', ')}</small>`
  return figure({
    caption: markup`${metricTitle(metric)} ${said}`,
    legend: legend(lines),
    drawing: curvesChart({
      label: `${metricTitle(metric)} by epoch: ${lines.map((line) => spoken(metric, line)).join(', ')}.`,
      curves: lines,
      phaseStarts: [],
      percent: isPercent(metric),
    }),
    figures: table(
      `${metricTitle(metric)} of both by epoch`,
      [
        { title: 'epoch', head: true, right: true, value: (epoch: number) => epoch },
        ...lines.map(({ name, points }) => ({
          title: name,
          right: true,
          value: (epoch: number) => figureText(metric, at(points, epoch)),
        })),
      ],
      epochs.sort((x, y) => x - y),
    ),
  })
}

function at(points: readonly CurvePoint[], epoch: number): number | undefined {
  return points.find((point) => point.epoch === epoch)?.value
}

function spoken(metric: string, { name, points }: Line): string {
  const [first, last] = [points[0]!, points.at(-1)!]
  return `${name} from ${figureText(metric, first.value)} to ${figureText(metric, last.value)}`
}

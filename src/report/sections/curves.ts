import type { EpochRecord, RunRecord } from '../../runs/record.ts'
import { curvesChart, type Curve } from '../charts/curves.ts'
import { figure, legend } from '../figure.ts'
import { figureText, isPercent, metricTitle } from '../figures.ts'
import { markup, type Html } from '../html.ts'
import type { Section } from '../page.ts'
import { bestEpoch, epochPoints } from '../epochs.ts'
import type { RunReport } from '../read.ts'
import { table } from '../table.ts'

/** Training and validation figures by epoch, a drawing each. */
export function curves({ record }: RunReport): Section | undefined {
  const { epochs } = record
  if (epochs.length === 0) return undefined
  const names = new Set(
    epochs.flatMap(({ train, validation = {} }) => [train, validation].flatMap(Object.keys)),
  )
  const shown = [...names].filter(
    (metric) =>
      epochPoints(epochs, 'train', metric).length > 0 ||
      epochPoints(epochs, 'validation', metric).length > 0,
  )
  return {
    id: 'curves',
    title: 'Learning',
    body: markup`<div class="pair">${shown.map((metric) => curve(record, metric))}</div>`,
  }
}

const SPLITS = ['train', 'validation'] as const

function curve({ epochs }: RunRecord, metric: string): Html {
  const lines = SPLITS.map((split): Curve => ({
    name: split,
    colour: `var(--${split})`,
    dashed: split === 'train',
    points: epochPoints(epochs, split, metric),
  })).filter((line) => line.points.length > 0)
  const best = bestEpoch(epochs, metric)
  const phaseStarts = epochs.flatMap(({ epoch, phase }, i) =>
    i > 0 && phase !== epochs[i - 1]!.phase ? [epoch] : [],
  )
  const drawing = curvesChart({
    label: spoken(metric, lines, best),
    curves: lines,
    phaseStarts,
    best,
    percent: isPercent(metric),
  })
  const said =
    best &&
    markup`<small
      >best on validation after epoch ${best.epoch}: ${figureText(metric, best.value)}</small
    >`
  return figure({
    caption: markup`${metricTitle(metric)} ${said}`,
    legend: legend(lines),
    drawing,
    figures: table(
      `${metricTitle(metric)} by epoch`,
      [
        { title: 'epoch', head: true, right: true, value: ({ epoch }) => epoch },
        ...lines.map(({ name }) => ({
          title: name,
          right: true,
          value: (epoch: EpochRecord) =>
            figureText(metric, epoch[name as 'train' | 'validation']?.[metric]),
        })),
      ],
      epochs,
    ),
  })
}

function spoken(
  metric: string,
  lines: readonly Curve[],
  best: { epoch: number; value: number } | undefined,
): string {
  const told = lines.map(({ name, points: all }) => {
    const [first, last] = [all[0]!, all.at(-1)!]
    return `${name} from ${figureText(metric, first.value)} to ${figureText(metric, last.value)}`
  })
  const peak = best
    ? `; best on validation after epoch ${best.epoch}, ${figureText(metric, best.value)}`
    : ''
  return `${metricTitle(metric)} by epoch: ${told.join(', ')}${peak}.`
}

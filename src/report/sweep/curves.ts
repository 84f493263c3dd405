import type { TrialGroup, TrialResult } from '../../sweeps/results.ts'
import { plural } from '../../util/text.ts'
import { curvesChart, type Curve } from '../charts/curves.ts'
import { figure, legend } from '../figure.ts'
import { isPercent } from '../figures.ts'
import { markup } from '../html.ts'
import type { Section } from '../page.ts'
import { table } from '../table.ts'
import { isCut, judgedText, parametersText, placeOf, rankStep } from './places.ts'
import type { SweepReport } from './read.ts'

/** More lines than these nobody tells apart: the best ones are drawn. */
const DRAWN = 200

interface Drawn {
  readonly group: TrialGroup
  readonly trial: TrialResult
  readonly curve: Curve
}

/** The figure of every trial by epoch, the best one over the others. */
export function curves(report: SweepReport): Section | undefined {
  const { metric, best, groups } = report.results
  const all = groups.flatMap((group) =>
    group.trials.flatMap((trial) => drawnOf(report, group, trial) ?? []),
  )
  const epochs = new Set(all.flatMap(({ curve }) => curve.points.map(({ epoch }) => epoch)))
  if (epochs.size < 2) return undefined
  const shown = all.slice(0, DRAWN)
  const hasCut = shown.some(({ trial }) => isCut(trial))
  const isBest = ({ trial }: Drawn) => trial.id === best?.id
  const others = shown.filter((one) => !isBest(one))
  const ordered = [...others.toReversed(), ...shown.filter(isBest)]
  return {
    id: 'curves',
    title: 'Learning',
    body: markup`<div class="single">${figure({
      caption: markup`${metric.name} <small>of ${plural(shown.length, 'trial')}${shown.length < all.length && `, the best of ${all.length}`}, by epoch</small>`,
      legend: legend([
        { name: 'the best', colour: 'var(--good)' },
        { name: 'good', colour: 'var(--rank-6)' },
        { name: 'bad', colour: 'var(--rank-0)' },
        ...(hasCut ? [{ name: 'ended early', colour: 'var(--rank-3)', dashed: true }] : []),
      ]),
      drawing: curvesChart({
        label: `${metric.name} of ${plural(shown.length, 'trial')} by epoch.${spoken(report, shown)}`,
        curves: ordered.map(({ curve }) => curve),
        phaseStarts: [],
        percent: isPercent(metric.figure),
      }),
      figures: table<Drawn>(
        `${metric.name} of each trial by epoch`,
        [
          { title: 'place', head: true, right: true, value: ({ group }) => placeOf(report, group) },
          { title: 'parameters', value: ({ trial }) => parametersText(report, trial.parameters) },
          ...[...epochs]
            .sort((a, b) => a - b)
            .filter(
              (_, i, list) => i % Math.ceil(list.length / COLUMNS) === 0 || i === list.length - 1,
            )
            .map((epoch) => ({
              title: `epoch ${epoch}`,
              right: true,
              value: ({ curve }: Drawn) =>
                judgedText(report, curve.points.find((point) => point.epoch === epoch)?.value),
            })),
        ],
        shown,
      ),
    })}</div>`,
  }
}

/** Epochs that the table shows of long trainings. */
const COLUMNS = 10

function drawnOf(report: SweepReport, group: TrialGroup, trial: TrialResult): Drawn | undefined {
  const values = report.curves.get(trial.id) ?? []
  const points = values.flatMap((value, i) =>
    Number.isFinite(value) ? [{ epoch: i + 1, value }] : [],
  )
  if (points.length === 0) return undefined
  const isBest = trial.id === report.results.best?.id
  const colour = isBest ? 'var(--good)' : `var(--rank-${rankStep(report, group) ?? 0})`
  const name = parametersText(report, trial.parameters)
  return {
    group,
    trial,
    curve: { name, colour, points, weight: isBest ? 3 : 1.2, dashed: isCut(trial) },
  }
}

function spoken(report: SweepReport, shown: readonly Drawn[]): string {
  const best = shown.find(({ trial }) => trial.id === report.results.best?.id)
  if (!best) return ''
  const [first, last] = [best.curve.points[0]!, best.curve.points.at(-1)!]
  return ` The best from ${judgedText(report, first.value)} to ${judgedText(report, last.value)}.`
}

import { plural } from '../../util/text.ts'
import { parallelChart, type ParallelLine } from '../charts/parallel.ts'
import { figure, legend } from '../figure.ts'
import { markup } from '../html.ts'
import type { Section } from '../page.ts'
import { rangeOf } from './axis.ts'
import { judgedText, parametersText, rankStep } from './places.ts'
import type { SweepReport } from './read.ts'
import { trialTable } from './trials.ts'

/** More lines than these nobody tells apart: the best ones are drawn. */
const DRAWN = 300
/** From so many on lines are thin. */
const MANY = 80
/** Wide screens, and phones. */
const [WIDE, NARROW] = [860, 380]

/** A line a trial through its values, in the colour of how good it is. */
export function parallel(report: SweepReport): Section | undefined {
  const { parameters, results } = report
  const groups = results.groups.filter(({ mean }) => mean !== undefined).slice(0, DRAWN)
  if (parameters.length === 0 || groups.length < 2) return undefined
  const means = groups.map(({ mean }) => mean!)
  const judged = rangeOf(means, false, (value) => judgedText(report, value))
  const axes = [
    ...parameters.map(({ title, axis }) => ({ title, ...axis })),
    { title: results.metric.name, ...judged },
  ]
  const lines = groups.map((group, i): ParallelLine => ({
    at: [
      ...parameters.map(({ key, axis }) => axis.at(group.parameters[key])),
      judged.at(group.mean),
    ],
    colour: i === 0 ? 'var(--good)' : `var(--rank-${rankStep(report, group)})`,
    weight: i === 0 ? 3 : groups.length > MANY ? 0.7 : 1.4,
  }))
  const label = `Parallel coordinates of ${plural(groups.length, 'trial')} over ${axes.map(({ title }) => title).join(', ')}. The best: ${parametersText(report, groups[0]!.parameters)}, ${judgedText(report, groups[0]!.mean)}.`
  const drawn = (width: number) => parallelChart(axes, lines.toReversed(), { label, width })
  const left = results.groups.length - groups.length
  return {
    id: 'parallel',
    title: 'All trials at once',
    body: figure({
      caption: markup`A line is a trial <small>from the value of each parameter down to ${results.metric.name}${left > 0 && `; ${left} without a figure, or of the worst, are not drawn`}</small>`,
      legend: legend([
        { name: 'the best', colour: 'var(--good)' },
        { name: 'good', colour: 'var(--rank-6)' },
        { name: 'bad', colour: 'var(--rank-0)' },
      ]),
      drawing: markup`<div class="wide">${drawn(WIDE)}</div><div class="narrow">${drawn(NARROW)}</div>`,
      figures: trialTable(report, 'Trials as in the drawing', groups),
    }),
  }
}

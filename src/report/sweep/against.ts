import type { Json } from '../../util/json.ts'
import { plural } from '../../util/text.ts'
import type { TrialResult } from '../../sweeps/results.ts'
import { againstChart, type AgainstPoint } from '../charts/against.ts'
import { figure } from '../figure.ts'
import { isPercent } from '../figures.ts'
import { markup, type Html } from '../html.ts'
import type { Section } from '../page.ts'
import { table } from '../table.ts'
import { valueText } from './axis.ts'
import { isCut, judgedText } from './places.ts'
import type { Parameter, SweepReport } from './read.ts'

/** Trials of one value of a parameter. */
interface ValueRow {
  readonly value: Json | undefined
  readonly trials: readonly TrialResult[]
  /** Of those that have a figure. */
  readonly mean: number | undefined
  readonly best: number | undefined
}

/** The figure against each parameter, a drawing each. */
export function against(report: SweepReport): Section | undefined {
  const { parameters, results } = report
  const known = results.trials.filter(({ value }) => value !== undefined)
  if (parameters.length === 0 || known.length < 2) return undefined
  const hasCut = known.some(isCut)
  return {
    id: 'parameters',
    title: 'Parameter by parameter',
    body: markup`<p class="note">A dot is a trial${hasCut && ', an empty one a trial that ended early'}; the best has a ring around it; a dash is the mean of a value. Other parameters vary too.</p>
<div class="pair">${parameters.map((parameter) => drawing(parameter, known, report))}</div>`,
  }
}

function drawing(parameter: Parameter, known: readonly TrialResult[], report: SweepReport): Html {
  const { key, title, axis } = parameter
  const { metric, best } = report.results
  const points = known.flatMap((trial): AgainstPoint[] => {
    const at = axis.at(trial.parameters[key])
    if (at === undefined) return []
    const look = trial.id === best?.id ? 'best' : isCut(trial) ? 'cut' : 'whole'
    return [{ at, value: trial.value!, look }]
  })
  const rows = rowsOf(key, known, report)
  const means = rows.flatMap(({ value, trials, mean }) => {
    const at = axis.at(value)
    return at === undefined || trials.length < 2 || mean === undefined ? [] : [{ at, value: mean }]
  })
  const told =
    rows.length <= 8 ? `. Means: ${rows.map((row) => spoken(row, report)).join(', ')}` : ''
  return figure({
    caption: markup`${title}${title !== key && markup` <small>${key}</small>`}${axis.kind === 'log' && markup` <small>logarithmic</small>`}`,
    drawing: againstChart(points, {
      label: `${metric.name} against ${key}, ${plural(points.length, 'trial')}${told}.`,
      axis,
      means,
      percent: isPercent(metric.figure),
    }),
    figures: table<ValueRow>(
      `${metric.name} by ${key}`,
      [
        { title, head: true, value: ({ value }) => valueText(value) },
        { title: 'trials', right: true, value: ({ trials }) => trials.length },
        { title: 'mean', right: true, value: ({ mean }) => judgedText(report, mean) },
        { title: 'best', right: true, value: ({ best: most }) => judgedText(report, most) },
      ],
      rows,
    ),
  })
}

function spoken({ value, mean }: ValueRow, report: SweepReport): string {
  return `${valueText(value)} ${judgedText(report, mean)}`
}

/** In the order of the axis. */
function rowsOf(
  key: string,
  known: readonly TrialResult[],
  { parameters, results }: SweepReport,
): ValueRow[] {
  const { axis } = parameters.find((one) => one.key === key)!
  const rows = new Map<string, TrialResult[]>()
  for (const trial of known) {
    const name = valueText(trial.parameters[key])
    rows.set(name, [...(rows.get(name) ?? []), trial])
  }
  const most = results.metric.goal === 'maximize' ? Math.max : Math.min
  return [...rows.values()]
    .map((trials): ValueRow => {
      const values = trials.map(({ value }) => value!)
      return {
        value: trials[0]!.parameters[key],
        trials,
        mean: values.reduce((a, b) => a + b, 0) / values.length,
        best: most(...values),
      }
    })
    .sort((a, b) => (axis.at(a.value) ?? 0) - (axis.at(b.value) ?? 0))
}

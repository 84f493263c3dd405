import type { TrialGroup, TrialResult } from '../../sweeps/results.ts'
import { countText, secondsText } from '../../util/text.ts'
import { markup, type Html } from '../html.ts'
import type { Section } from '../page.ts'
import { table, type HtmlColumn } from '../table.ts'
import { valueText } from './axis.ts'
import { judgedText, placeOf } from './places.ts'
import type { SweepReport } from './read.ts'

/** So many are shown at once. */
const SHOWN = 50

/** Every trial with what varies, the best first. */
export function trials(report: SweepReport): Section | undefined {
  const { groups } = report.results
  if (groups.length === 0) return undefined
  const [shown, rest] = [groups.slice(0, SHOWN), groups.slice(SHOWN)]
  const isRepeated = groups.some(({ trials: own }) => own.length > 1)
  return {
    id: 'trials',
    title: 'Trials',
    body: markup`${isRepeated && markup`<p class="note">The mean of repeats, and their standard deviation.</p>`}${trialTable(report, 'Trials, the best first', shown)}${
      rest.length > 0 &&
      markup`<details><summary>${countText(rest.length)} more</summary>${trialTable(report, 'More trials', rest)}</details>`
    }`,
  }
}

/** Trials by rows, repeats of one together. */
export function trialTable(
  report: SweepReport,
  caption: string,
  groups: readonly TrialGroup[],
): Html {
  const { parameters, results } = report
  const isRepeated = results.groups.some(({ trials: own }) => own.length > 1)
  const columns: HtmlColumn<TrialGroup>[] = [
    { title: 'place', head: true, right: true, value: (group) => placeOf(report, group) },
    { title: results.metric.name, right: true, value: ({ mean }) => judgedText(report, mean) },
    ...(isRepeated
      ? [{ title: 'sd', right: true, value: ({ sd }: TrialGroup) => judgedText(report, sd) }]
      : []),
    ...parameters
      .filter(({ key }) => results.groups.some((group) => group.parameters[key] !== undefined))
      .map(({ key, title }) => ({
        title,
        right: results.groups.every(({ parameters: own }) => typeof own[key] === 'number'),
        value: ({ parameters: own }: TrialGroup) => valueText(own[key]),
      })),
    { title: 'epochs', right: true, value: (group) => each(group, ({ epochs }) => String(epochs)) },
    { title: 'time', right: true, value: (group) => each(group, timeOf) },
    { title: 'status', value: (group) => each(group, ({ status }) => status) },
    {
      title: 'run',
      value: (group) =>
        markup`<span class="id">${each(group, ({ run }) => run?.split('/').at(-1) ?? '–')}</span>`,
    },
  ]
  return table(caption, columns, groups)
}

function timeOf({ seconds }: TrialResult): string {
  return seconds === undefined ? '–' : secondsText(seconds)
}

/** What all of the group say, or each in turn. */
function each({ trials: own }: TrialGroup, value: (trial: TrialResult) => string): string {
  const all = own.map(value)
  return new Set(all).size === 1 ? all[0]! : all.join(', ')
}

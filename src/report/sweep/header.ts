import type { TrialStatus } from '../../sweeps/trial-state.ts'
import { countText, plural } from '../../util/text.ts'
import { figureText } from '../figures.ts'
import { markup, type Html } from '../html.ts'
import { facts } from '../table.ts'
import { costOf } from './cost.ts'
import { judgedText, parametersText } from './places.ts'
import type { SweepReport } from './read.ts'

/** The top of the page: the best trial and how to repeat it. */
export function header(report: SweepReport): Html {
  const { name, method, results, best } = report
  const { trials } = results
  return markup`<header>
    <h1><bdi>${name}</bdi></h1>
    <p class="status">
      <b>sweep</b> <span>${method}</span> ${counts(report).map((text) => markup`<span>${text}</span> `)}
    </p>
    <div class="verdict">
      ${best && markup`<strong>${judgedText(report, best.trial.value)}</strong>`}
      <p>${best ? sentence(report) : `None of ${plural(trials.length, 'trial')} has a figure yet`}${best && markup`<small>${parametersText(report, best.trial.parameters)}</small>`}</p>
    </div>
    ${facts(made(report))}
    ${
      best &&
      markup`<div class="repeat">
        <p>Repeat the best one</p>
        <code class="command" tabindex="0">${best.repeat}</code>
      </div>`
    }
  </header>`
}

/** How many trials are done, failed and so on, as `sweep show` tells. */
export function counts({ results: { trials }, others }: SweepReport): string[] {
  const statuses: readonly TrialStatus[] = [
    'done',
    'paused',
    'stopped',
    'failed',
    'running',
    'waiting',
  ]
  const told = statuses.flatMap((status) => {
    const count = trials.filter((trial) => trial.status === status).length
    return count > 0 ? [`${countText(count)} ${status}`] : []
  })
  const more = others > 0 ? [`${countText(others)} more that the file no longer has`] : []
  return [plural(trials.length, 'trial'), ...told, ...more]
}

function sentence({ results, best }: SweepReport): string {
  const { metric, trials, groups } = results
  const isRepeated = groups.length < trials.length
  const of = isRepeated
    ? `${plural(groups.length, 'setting')}, ${plural(trials.length, 'trial')}`
    : plural(trials.length, 'trial')
  const test = Object.entries(best?.test ?? {})
  const accuracy = test.find(([figure]) => figure === metric.figure) ?? test[0]
  const onTest = accuracy
    ? `; ${accuracy[0] === metric.figure ? '' : `${accuracy[0]} `}${figureText(...accuracy)} on test`
    : ''
  return `${metric.figure} on ${metric.split} of the best of ${of}${onTest}`
}

function made(report: SweepReport): (readonly [string, string | Html])[] {
  const { file, results, early, best } = report
  const { epochs, time } = costOf(report)
  const { metric } = results
  return [
    ['File', markup`<bdi>${file}</bdi>`],
    [
      'Judged by',
      `${metric.figure} on ${metric.split}: ${metric.goal === 'maximize' ? 'more' : 'less'} is better`,
    ],
    ...(early ? [['Ended early by', early] as const] : []),
    ['Epochs', epochs],
    ['Time of all trials', time],
    ...(best?.place === undefined
      ? []
      : [['Run of the best', markup`<bdi>${best.place}</bdi>`] as const]),
  ]
}

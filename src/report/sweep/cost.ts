import { countText, plural, secondsText } from '../../util/text.ts'
import { markup } from '../html.ts'
import type { Section } from '../page.ts'
import { percentText } from '../figures.ts'
import { table } from '../table.ts'
import { isCut, judgedText, parametersText, placeOf } from './places.ts'
import type { SweepReport } from './read.ts'
import type { TrialGroup, TrialResult } from '../../sweeps/results.ts'

/** What all trials took together, for people; and in epochs, what they would take if none was ended early. */
export function costOf({ results, whole }: SweepReport) {
  const { trials } = results
  const sum = (values: readonly number[]) => values.reduce((a, b) => a + b, 0)
  const trained = sum(trials.map(({ epochs }) => epochs))
  const planned = sum(
    trials.map((trial) => (isCut(trial) ? (whole.get(trial.id) ?? trial.epochs) : trial.epochs)),
  )
  const known = trials.flatMap(({ seconds }) => seconds ?? [])
  return {
    epochs: countText(trained),
    time: known.length === 0 ? '–' : secondsText(sum(known)),
    trained,
    planned,
    cached: trials.filter(({ cached }) => cached).length,
  }
}

interface CutTrial {
  readonly group: TrialGroup
  readonly trial: TrialResult
}

/** Epochs and time, and which trials were ended before their time. */
export function cost(report: SweepReport): Section {
  const { results, early } = report
  const { epochs, time, trained, planned, cached } = costOf(report)
  const { groups, trials } = results
  const cut = groups.flatMap((group) =>
    group.trials.filter(isCut).map((trial): CutTrial => ({ group, trial })),
  )
  const store =
    cached > 0 ? ` ${plural(cached, 'trial')} took nothing: the store had all of it.` : ''
  return {
    id: 'cost',
    title: 'What it cost',
    body: markup`<p>${plural(trained, 'epoch')} in ${plural(trials.length, 'trial')}, ${time} of work.${store}</p>
${
  early !== undefined &&
  cut.length > 0 &&
  markup`<p>${plural(cut.length, 'trial was', 'trials were')} ended early (${early}): ${epochs} epochs instead of ${countText(planned)}, ${percentText(planned === 0 ? 1 : trained / planned)}.</p>
<details><summary>${plural(cut.length, 'trial')} that ended early</summary>${table<CutTrial>(
    'Trials that ended early',
    [
      { title: 'trial', head: true, right: true, value: ({ group }) => placeOf(report, group) },
      { title: 'parameters', value: ({ trial }) => parametersText(report, trial.parameters) },
      { title: 'after epoch', right: true, value: ({ trial }) => trial.epochs },
      {
        title: results.metric.name,
        right: true,
        value: ({ trial }) => judgedText(report, trial.value),
      },
      {
        title: 'why',
        value: ({ trial }) => (trial.status === 'paused' ? 'paused, may go on' : 'stopped'),
      },
    ],
    cut,
  )}</details>`
}`,
  }
}

import type { TrialResult } from '../../sweeps/results.ts'
import { plural } from '../../util/text.ts'
import { markup } from '../html.ts'
import type { Section } from '../page.ts'
import { parametersText } from './places.ts'
import type { SweepReport } from './read.ts'

/** So many trials are named with each message. */
const NAMED = 8

/** Trials that failed, by what they failed with. */
export function failures(report: SweepReport): Section | undefined {
  const failed = report.results.trials.filter(({ status }) => status === 'failed')
  if (failed.length === 0) return undefined
  const kinds = new Map<string, TrialResult[]>()
  for (const trial of failed) {
    const key = JSON.stringify([trial.failure?.code, trial.failure?.message])
    kinds.set(key, [...(kinds.get(key) ?? []), trial])
  }
  return {
    id: 'failures',
    title: `${plural(failed.length, 'trial')} failed`,
    body: markup`<ul class="told problems">${[...kinds.values()].map((trials) => {
      const { code = 'STAGE_FAILED', message = 'it is not known why' } = trials[0]!.failure ?? {}
      const named = trials
        .slice(0, NAMED)
        .map(({ parameters }) => parametersText(report, parameters))
      const more = trials.length > NAMED ? `; and ${trials.length - NAMED} more` : ''
      return markup`<li><code>${code}</code> ${message}<small>${named.join('; ')}${more}</small></li>`
    })}</ul>
<p class="note">They count as failed, not as bad. The same command tries them again, with <code>--only failed</code> nothing else.</p>`,
  }
}

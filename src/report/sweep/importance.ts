import type { Importance } from '../../sweeps/importance.ts'
import { bar } from '../bar.ts'
import { percentText } from '../figures.ts'
import { markup } from '../html.ts'
import type { Section } from '../page.ts'
import { table } from '../table.ts'
import type { SweepReport } from './read.ts'

/** How much the figure depends on each parameter. */
export function importance({ importance: found, results }: SweepReport): Section | undefined {
  if (found.length === 0) return undefined
  return {
    id: 'importance',
    title: 'What it depends on',
    body: markup`${table<Importance>(
      `How much ${results.metric.name} depends on each parameter`,
      [
        { title: 'parameter', head: true, value: ({ name }) => name },
        { title: 'share', right: true, value: ({ share }) => percentText(share, 0) },
        { title: '', value: ({ share }) => bar(share) },
        {
          title: 'rank correlation',
          right: true,
          value: ({ correlation }) => (correlation === undefined ? '–' : correlation.toFixed(2)),
        },
      ],
      found,
    )}<p class="note">Share: how much worse a random forest over the finished trials tells the figure once the parameter's values are exchanged among them (permutation importance). Of few trials it is a hint. A rank correlation above 0: the figure grows with the parameter.</p>`,
  }
}

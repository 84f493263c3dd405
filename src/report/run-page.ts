import { markup, type Html } from './html.ts'
import { page, type Section } from './page.ts'
import type { RunReport } from './read.ts'
import { configuration } from './sections/configuration.ts'
import { cost } from './sections/cost.ts'
import { curves } from './sections/curves.ts'
import { environment } from './sections/environment.ts'
import { metrics } from './sections/metrics.ts'
import { verdict } from './sections/verdict.ts'
import { warnings } from './sections/warnings.ts'

/** The parts of a page about one run, in their order; a part that has nothing to say is not there. */
const SECTIONS: readonly ((report: RunReport) => Section | undefined)[] = [
  warnings,
  curves,
  metrics,
  cost,
  configuration,
  environment,
]

/** The whole page about one run; the same for the same run, whenever and wherever it is made. */
export function runPage(report: RunReport): Html {
  const { name, id, status } = report.record
  return page({
    title: `${name} ${id}`,
    description: `Run ${id} of ${name}: ${status}.`,
    header: verdict(report),
    sections: SECTIONS.flatMap((section) => section(report) ?? []),
    footer: markup`Made by Graft from the folder <code>${report.place}</code>. No script, nothing
      fetched: one file to keep or send.`,
  })
}

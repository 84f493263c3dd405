import { markup, type Html } from './html.ts'
import { page, type PageOptions, type Section } from './page.ts'
import type { RunReport } from './read.ts'
import { augmentation } from './sections/augmentation.ts'
import { calibration } from './sections/calibration.ts'
import { classes } from './sections/classes.ts'
import { configuration } from './sections/configuration.ts'
import { confusion } from './sections/confusion.ts'
import { cost } from './sections/cost.ts'
import { curves } from './sections/curves.ts'
import { environment } from './sections/environment.ts'
import { standsOut } from './sections/findings.ts'
import { metrics } from './sections/metrics.ts'
import { mistakes } from './sections/mistakes.ts'
import { named } from './sections/named.ts'
import { training } from './sections/training.ts'
import { verdict } from './sections/verdict.ts'
import { problems, warnings } from './sections/warnings.ts'

/** The parts of a page about one run, in their order; a part that has nothing to say is not there. */
const SECTIONS: readonly ((report: RunReport) => Section | undefined)[] = [
  problems,
  warnings,
  standsOut,
  named,
  curves,
  metrics,
  confusion,
  classes,
  mistakes,
  calibration,
  training,
  augmentation,
  cost,
  configuration,
  environment,
]

/** The whole page about one run; the same for the same run, whenever and wherever it is made. */
export function runPage(report: RunReport): Html {
  return page({
    ...runParts(report),
    footer: markup`Made by Graft from the folder <code>${report.place}</code>. No script, nothing
      fetched: one file to keep or send.`,
  })
}

/** What a page about one run says, wherever it is shown. */
export function runParts(report: RunReport): Omit<PageOptions, 'footer'> {
  const { name, id, status } = report.record
  return {
    title: `${name} ${id}`,
    description: `Run ${id} of ${name}: ${status}.`,
    header: verdict(report),
    sections: SECTIONS.flatMap((section) => section(report) ?? []),
  }
}

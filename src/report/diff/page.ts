import { markup, type Html } from '../html.ts'
import { page, type PageOptions, type Section } from '../page.ts'
import { COMPARISON_STYLE } from '../comparison-style.ts'
import { answers } from './answers.ts'
import { curves } from './curves.ts'
import { data } from './data.ts'
import { environment } from './environment.ts'
import { flips } from './flips.ts'
import { header } from './header.ts'
import { keys } from './keys.ts'
import { metrics } from './metrics.ts'
import { notes } from './notes.ts'
import type { DiffReport } from './read.ts'
import { stages } from './stages.ts'

/** The parts of a page about two runs, in the order in which a person asks. */
const SECTIONS: readonly ((report: DiffReport) => Section | undefined)[] = [
  notes,
  metrics,
  keys,
  answers,
  flips,
  curves,
  data,
  stages,
  environment,
]

/** The whole page about why one side is not the other. */
export function diffPage(report: DiffReport): Html {
  return page({
    ...diffParts(report),
    footer: markup`Made by Graft from the two of them. No script, nothing fetched: one file to keep
      or send.`,
  })
}

/** What it says, wherever it is shown. */
export function diffParts(report: DiffReport): Omit<PageOptions, 'footer'> {
  const { a, b } = report.diff
  return {
    title: `${a.title} and ${b.title}`,
    description: `What differs between ${a.title} and ${b.title}.`,
    header: header(report),
    sections: SECTIONS.flatMap((section) => section(report) ?? []),
    style: COMPARISON_STYLE,
  }
}

import { COMPARISON_STYLE } from '../comparison-style.ts'
import { markup, type Html } from '../html.ts'
import { page, type PageOptions, type Section } from '../page.ts'
import { against } from './against.ts'
import { cost } from './cost.ts'
import { curves } from './curves.ts'
import { failures } from './failures.ts'
import { counts, header } from './header.ts'
import { importance } from './importance.ts'
import { parallel } from './parallel.ts'
import type { SweepReport } from './read.ts'
import { trials } from './trials.ts'

/** The parts of a page about a sweep, in their order; a part that has nothing to say is not there. */
const SECTIONS: readonly ((report: SweepReport) => Section | undefined)[] = [
  failures,
  importance,
  parallel,
  against,
  trials,
  curves,
  cost,
]

/** The whole page about a sweep as it stands. */
export function sweepPage(report: SweepReport): Html {
  return page({
    ...sweepParts(report),
    footer: markup`Made by Graft from the trials of <bdi>${report.name}</bdi>. No script, nothing
      fetched: one file to keep or send.`,
  })
}

/** What it says, wherever it is shown. */
export function sweepParts(report: SweepReport): Omit<PageOptions, 'footer'> {
  return {
    title: `Sweep ${report.name}`,
    description: `Sweep ${report.name}: ${counts(report).join(', ')}.`,
    header: header(report),
    sections: SECTIONS.flatMap((section) => section(report) ?? []),
    style: COMPARISON_STYLE,
  }
}

import { findings } from '../findings.ts'
import { markup } from '../html.ts'
import type { Section } from '../page.ts'
import type { RunReport } from '../read.ts'

/** What stands out, each with a link to the part that shows it. */
export function standsOut(report: RunReport): Section | undefined {
  const found = findings(report)
  if (found.length === 0) return undefined
  return {
    id: 'findings',
    title: 'What stands out',
    body: markup`<ul class="findings">${found.map(
      ({ section, text }) =>
        markup`<li>${text} <a href="#${section}">${LINKS[section] ?? 'more'}</a></li>`,
    )}</ul>`,
  }
}

const LINKS: Readonly<Record<string, string>> = {
  curves: 'Curves',
  classes: 'Classes',
  confusion: 'Matrix',
  mistakes: 'Pictures',
}

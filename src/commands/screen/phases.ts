import type { PhaseReport } from '../../runs/phase-report.ts'
import { phaseLines, phaseTitle, type PhaseTextOptions } from '../../runs/phase-text.ts'
import { wrap } from '../../util/width.ts'
import type { Output } from '../command.ts'

/** A block for each phase: its title, and below it labels with sentences, broken to the width. */
export function phaseBlocks(
  reports: readonly PhaseReport[],
  width: number,
  options: (report: PhaseReport) => PhaseTextOptions = () => ({}),
): string {
  const blocks = reports.map((report) => {
    const lines = phaseLines(report, options(report))
    const column = Math.max(...lines.map(({ label }) => label.length)) + 4
    const texts = lines.map(({ label, text }) => {
      const [first, ...more] = wrap(text, width - column)
      return [`  ${label}`.padEnd(column) + first, ...more.map((l) => ' '.repeat(column) + l)]
    })
    return `${[phaseTitle(report), ...texts.flat()].join('\n')}\n`
  })
  return blocks.join('\n')
}

/** How wide text may be: as the terminal, within what reads well; 100 where it goes to a file or another program. */
export function textColumns({ isTTY, columns }: Pick<Output, 'isTTY' | 'columns'>): number {
  return Math.max(40, Math.min(isTTY ? columns || 80 : 100, 120))
}

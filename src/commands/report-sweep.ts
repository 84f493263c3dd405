import { join } from 'node:path'
import { sweepPage } from '../report/sweep/page.ts'
import { readSweepReport } from '../report/sweep/read.ts'
import { RUN_FILES } from '../runs/record.ts'
import type { CommandContext } from './command.ts'
import { overrides } from './pipeline-file.ts'
import type { Made, ReportFlags } from './report-page.ts'
import { openNamedSweep } from './sweep.ts'

/** `pipeline report SWEEP`: its trials as they stand. */
export async function reportOfSweep(
  reference: string,
  flags: ReportFlags,
  context: CommandContext,
): Promise<Made> {
  const opened = await openNamedSweep(reference, flags, context)
  const { sweep, file } = opened
  const report = readSweepReport(sweep, { file, set: overrides(opened.flags) })
  return {
    about: { sweep: { name: sweep.name } },
    place: join(sweep.folder, RUN_FILES.report),
    page: sweepPage(report),
  }
}

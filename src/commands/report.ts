import { join, relative, resolve } from 'node:path'
import { findRun, runsRoot } from '../runs/read.ts'
import { RUN_FILES } from '../runs/record.ts'
import { failure, PipelineError } from '../util/diagnostic.ts'
import { isErrno, writeFileAtomic } from '../util/files.ts'
import { bytesText } from '../util/text.ts'
import { readReport } from '../report/read.ts'
import { runPage } from '../report/run-page.ts'
import type { CommandContext, CommandRun } from './command.ts'
import { meansSweep } from './means-sweep.ts'
import { withStore, type Made, type ReportFlags } from './report-page.ts'

/** `pipeline report RUN`, `report SWEEP`, of two sides `report A B`: a page in one file. */
export const run: CommandRun = async ([first, second], options, context) => {
  const flags: ReportFlags = options
  const reference = String(first)
  if (second !== undefined) {
    const { reportOfDiff } = await import('./report-diff.ts')
    return tell(await reportOfDiff(reference, second, flags, context), flags, context)
  }
  if (meansSweep(reference, flags, context)) {
    const { reportOfSweep } = await import('./report-sweep.ts')
    return tell(await reportOfSweep(reference, flags, context), flags, context)
  }
  return tell(await reportOfRun(reference, flags, context), flags, context)
}

async function reportOfRun(
  reference: string,
  flags: ReportFlags,
  context: CommandContext,
): Promise<Made> {
  const { env, cwd } = context
  const found = findRun(reference, runsRoot(flags.runs, env, cwd), cwd)
  const report = await withStore(flags, context, (store) => readReport(found, store))
  const { name, id } = found.record
  return {
    about: { run: { name, id } },
    place: join(found.folder, RUN_FILES.report),
    page: runPage(report),
  }
}

async function tell({ about, place, page }: Made, flags: ReportFlags, context: CommandContext) {
  const { cwd, stdout } = context
  const out = flags.out === undefined ? place : resolve(cwd, flags.out)
  await write(out, page.text)
  const file = relative(cwd, out)
  const bytes = Buffer.byteLength(page.text)
  if (flags.json) stdout.write(`${JSON.stringify({ ...about, file, bytes }, null, 2)}\n`)
  else stdout.write(`${file}  ${bytesText(bytes)}\n`)
}

/** Whole or not at all. Throws NOT_WRITABLE, DISK_FULL. */
async function write(out: string, text: string): Promise<void> {
  try {
    await writeFileAtomic(out, text)
  } catch (error) {
    const isPlace = isErrno(error, 'EISDIR', 'ENOTDIR', 'EEXIST', 'ENOTEMPTY')
    const isDenied = error instanceof PipelineError && error.diagnostics[0]?.code === 'NOT_WRITABLE'
    if (!isPlace && !isDenied) throw error
    const what = isErrno(error, 'EISDIR')
      ? `${out} is a folder`
      : `the report cannot be written to ${out}`
    throw failure('NOT_WRITABLE', what, { hint: 'name another file with --out FILE', cause: error })
  }
}

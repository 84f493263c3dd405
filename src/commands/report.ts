import { join, relative, resolve } from 'node:path'
import { openStore } from '../graph/store.ts'
import { findRun, runsRoot } from '../runs/read.ts'
import { RUN_FILES } from '../runs/record.ts'
import { failure, PipelineError } from '../util/diagnostic.ts'
import { isErrno, writeFileAtomic } from '../util/files.ts'
import { bytesText } from '../util/text.ts'
import { readReport } from '../report/read.ts'
import { runPage } from '../report/run-page.ts'
import type { CommandRun } from './command.ts'
import { storeOptions } from './pipeline-file.ts'

export interface ReportFlags {
  readonly out?: string
  readonly runs?: string
  readonly store?: string
  readonly json?: boolean
}

/** `pipeline report RUN`: a page about one run, in one file. */
export const run: CommandRun = async ([reference], options, { env, cwd, stdout }) => {
  const flags: ReportFlags = options
  const found = findRun(String(reference), runsRoot(flags.runs, env, cwd), cwd)
  const out =
    flags.out === undefined ? join(found.folder, RUN_FILES.report) : resolve(cwd, flags.out)
  const store = await openStore(storeOptions(flags, { env, cwd }).store, { readOnly: true })
  const report = await readReport(found, store).finally(() => store.close())
  const { text } = runPage(report)
  await write(out, text)
  const file = relative(cwd, out)
  const bytes = Buffer.byteLength(text)
  if (flags.json) {
    const { name, id } = found.record
    stdout.write(`${JSON.stringify({ run: { name, id }, file, bytes }, null, 2)}\n`)
    return
  }
  stdout.write(`${file}  ${bytesText(bytes)}\n`)
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

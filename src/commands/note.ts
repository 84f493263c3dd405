import { readMarks, writeMarks } from '../runs/marks.ts'
import { findRun, runsRoot } from '../runs/read.ts'
import { oneLine } from '../util/text.ts'
import type { CommandRun } from './command.ts'

export interface NoteFlags {
  readonly runs?: string
  readonly json?: boolean
}

/** `pipeline note RUN [TEXT]`: puts a note on a run, or prints the one it has. */
export const run: CommandRun = async ([reference, text], options, { stdout, env, cwd }) => {
  const flags: NoteFlags = options
  const { record, folder } = findRun(String(reference), runsRoot(flags.runs, env, cwd), cwd)
  let marks = readMarks(folder)
  if (text !== undefined) {
    // The file's own words need no mark; nothing in place of them does.
    const isAsBefore = text.trim() === (record.notes ?? '')
    marks = { ...marks, note: isAsBefore ? undefined : text.trim() }
    await writeMarks(folder, marks)
  }
  const { name, id } = record
  const note = marks.note ?? record.notes ?? ''
  if (flags.json) stdout.write(`${JSON.stringify({ name, id, note }, null, 2)}\n`)
  else stdout.write(`${name} ${id}  ${oneLine(note) || 'no note'}\n`)
}

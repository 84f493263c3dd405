import { readMarks, tagsOf, writeMarks } from '../runs/marks.ts'
import { findRun, runsRoot } from '../runs/read.ts'
import { failure } from '../util/diagnostic.ts'
import { oneLine } from '../util/text.ts'
import type { CommandRun } from './command.ts'

export interface TagFlags {
  readonly runs?: string
  readonly json?: boolean
}

/** `pipeline tag RUN… +WORD -WORD`: changes the tags of runs and prints what they are then. */
export const run: CommandRun = async (words, options, { stdout, env, cwd }) => {
  const flags: TagFlags = options
  const changes = words.filter(isChange).map(changeOf)
  const root = runsRoot(flags.runs, env, cwd)
  const references = words.filter((word) => !isChange(word))
  if (references.length === 0) {
    throw failure('USAGE', 'no run is named', { hint: 'pipeline tag @latest +best' })
  }
  // All are looked up before the first is changed.
  const found = references.map((reference) => findRun(reference, root, cwd))
  const told = []
  for (const { record, folder } of found) {
    const marks = readMarks(folder)
    const tags = new Map(Object.entries(marks.tags ?? {}))
    for (const { tag, isOn } of changes) {
      // What the file says already needs no mark.
      if ((record.tags ?? []).includes(tag) === isOn) tags.delete(tag)
      else tags.set(tag, isOn)
    }
    const after = { ...marks, tags: Object.fromEntries(tags) }
    if (changes.length > 0) await writeMarks(folder, after)
    const { name, id } = record
    told.push({ name, id, tags: tagsOf(record.tags, after) })
  }
  if (flags.json) stdout.write(`${JSON.stringify(told, null, 2)}\n`)
  else
    for (const { name, id, tags } of told)
      stdout.write(`${name} ${id}  ${oneLine(tags.join(' ')) || 'no tags'}\n`)
}

function isChange(word: string): boolean {
  return word.startsWith('+') || word.startsWith('-')
}

function changeOf(word: string): { readonly tag: string; readonly isOn: boolean } {
  const tag = word.slice(1)
  // As in pipeline files.
  if (/^[^\s,]{1,100}$/.test(tag)) return { tag, isOn: word.startsWith('+') }
  throw failure('USAGE', `a tag is one word, without spaces and commas, got "${tag}"`, {
    hint: 'write it as in +best',
  })
}

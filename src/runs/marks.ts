import { readFileSync } from 'node:fs'
import { rm } from 'node:fs/promises'
import { join } from 'node:path'
import { writeFileAtomic } from '../util/files.ts'
import { byCodeUnit, stableJson, type Json } from '../util/json.ts'
import { RUN_FILES } from './record.ts'

/**
 * marks.json: what a person has said of a run since it ran. run.json stays what the run made it. A line a tag and one for
 * the note, sorted, so that changes of two people merge.
 */
export interface Marks {
  /** In place of the file's `notes`. */
  readonly note?: string | undefined
  /** True: added. False: taken away from those of the file. */
  readonly tags?: Readonly<Record<string, boolean>> | undefined
}

export const NO_MARKS: Marks = {}

/** Of a run folder; none where there is no such file, or none that can be read. */
export function readMarks(folder: string): Marks {
  return parseMarks(join(folder, RUN_FILES.marks)) ?? NO_MARKS
}

/** Undefined for a file that is not there or is none of these. */
export function parseMarks(path: string): Marks | undefined {
  try {
    const { note, tags } = JSON.parse(readFileSync(path, 'utf8')) as Record<string, unknown>
    const given = typeof tags === 'object' && tags !== null ? Object.entries(tags) : []
    const known = given.filter((entry): entry is [string, boolean] => typeof entry[1] === 'boolean')
    return {
      ...(typeof note === 'string' ? { note } : {}),
      ...(known.length > 0 ? { tags: Object.fromEntries(known) } : {}),
    }
  } catch {
    return undefined
  }
}

/** Without marks there is no file. Throws NOT_WRITABLE, DISK_FULL. */
export async function writeMarks(folder: string, { note, tags = {} }: Marks): Promise<void> {
  const path = join(folder, RUN_FILES.marks)
  const marks: Json = { note, tags: Object.keys(tags).length > 0 ? { ...tags } : undefined }
  if (Object.values(marks).every((mark) => mark === undefined)) await rm(path, { force: true })
  else await writeFileAtomic(path, stableJson(marks))
}

/** The tags of the file with what was added and taken away; sorted. */
export function tagsOf(given: readonly string[] | undefined, { tags = {} }: Marks): string[] {
  const all = new Set(given)
  for (const [tag, isThere] of Object.entries(tags)) {
    if (isThere) all.add(tag)
    else all.delete(tag)
  }
  return [...all].sort(byCodeUnit)
}

import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import type { StoredRun } from './read.ts'
import { RUN_FILES, type EpochRecord } from './record.ts'

/** The run with the epochs that metrics.jsonl has and its record has not: of a run under way, or of one that was killed. */
export function withEpochsSoFar(run: StoredRun): StoredRun {
  const { record, folder } = run
  if (record.status === 'done' || record.epochs.length > 0) return run
  return { folder, record: { ...record, epochs: epochsSoFar(folder) } }
}

/** Every whole line of metrics.jsonl; how long an epoch took is not known from there. */
export function epochsSoFar(folder: string): EpochRecord[] {
  let text
  try {
    text = readFileSync(join(folder, RUN_FILES.metrics), 'utf8')
  } catch {
    return []
  }
  return text.split('\n').flatMap((line) => {
    try {
      return line === '' ? [] : [{ ...(JSON.parse(line) as EpochRecord), seconds: 0 }]
    } catch {
      // Half a line: the process is writing it, or was killed.
      return []
    }
  })
}

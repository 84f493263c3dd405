import { readdirSync, readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { byCodeUnit } from '../../util/json.ts'
import { readRun, type StoredRun } from '../read.ts'
import { RUN_FILES, type RunRecord } from '../record.ts'

/** Of the runs of a name the newest so many are looked at. */
const MOST = 500

/**
 * The finished runs of the same name that are this one with another seed, itself among them: their resolved.yaml differ in
 * nothing but the seed, name, notes and tags aside.
 */
export function repeatsOf({ record, folder }: StoredRun): RunRecord[] {
  const parent = dirname(folder)
  const own = settingsText(folder)
  if (own === undefined || record.status !== 'done') return []
  const names = readdirSync(parent).filter((name) => !name.startsWith('.'))
  return names
    .sort(byCodeUnit)
    .slice(-MOST)
    .map((name) => join(parent, name))
    .filter((path) => path === folder || settingsText(path) === own)
    .flatMap((path) => readRun(path)?.record ?? [])
    .filter(({ status }) => status === 'done')
}

function settingsText(folder: string): string | undefined {
  try {
    const text = readFileSync(join(folder, RUN_FILES.resolved), 'utf8')
    const lines = text.split('\n').filter((line) => !/^(?:#|seed: |name: |notes: )/.test(line))
    return lines.join('\n')
  } catch {
    return undefined
  }
}

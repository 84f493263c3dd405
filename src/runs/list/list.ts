import { readdirSync, readFileSync, statSync } from 'node:fs'
import { basename, dirname, join } from 'node:path'
import { byCodeUnit } from '../../util/json.ts'
import { isBeingMade } from '../mark.ts'
import { RUN_FILES, type RunRecord } from '../record.ts'
import { openKept, type Entry, type KeptFile } from './kept.ts'
import { rowOf, type RunRow } from './row.ts'

/** A run of a list: what is told of it, and where it is. */
export interface ListedRun {
  readonly row: RunRow
  /** Absolute. */
  readonly folder: string
}

/** Below the folder of runs: what `rm` took away, `<name>/<id>` as before. */
export const TRASH = '.trash'

const ROWS: KeptFile<RunRow> = {
  cache: 'rows.json',
  format: 1,
  source: RUN_FILES.record,
  read: (path) => {
    try {
      const record = JSON.parse(readFileSync(path, 'utf8')) as RunRecord
      return record.format === 1 ? rowOf(record) : undefined
    } catch {
      return undefined
    }
  },
  encode: (entries) => entries,
  decode: (data) => data as readonly Entry<RunRow>[],
}

/**
 * All runs below the root, oldest first. A folder without a readable run.json is no run. Ten thousand take a fifth of a
 * second, as what was read before is kept (`runs/.index/`).
 */
export function listRuns(root: string): ListedRun[] {
  const kept = openKept(root, ROWS)
  const there = new Map(folders(root).map((name) => [name, new Set(folders(join(root, name)))]))
  const runs: ListedRun[] = []
  for (const [name, ids] of there) {
    const parent = join(root, name)
    for (const id of ids) {
      const row = kept.get(name, id)
      if (row) runs.push(asItIs(row, `${parent}/${id}`))
    }
  }
  kept.save((name, id) => there.get(name)?.has(id) ?? false)
  return runs.sort(
    (a, b) => byCodeUnit(a.row.started, b.row.started) || byCodeUnit(a.row.id, b.row.id),
  )
}

function asItIs(row: RunRow, folder: string): ListedRun {
  const status = statusOf(row, folder)
  return { row: status === row.status ? row : { ...row, status }, folder }
}

/** The folders that a run lies in: its name's and its own. */
export function placeOf({ folder }: Pick<ListedRun, 'folder'>): [name: string, id: string] {
  return [basename(dirname(folder)), basename(folder)]
}

/** A run that says it is running and whose process is gone was interrupted. */
export function statusOf({ status }: Pick<RunRow, 'status'>, folder: string): RunRow['status'] {
  return status === 'running' && !isBeingMade(folder) ? 'interrupted' : status
}

/** Names of folders, hidden ones left out; none where there is no such folder. */
function folders(path: string): string[] {
  try {
    return readdirSync(path, { withFileTypes: true })
      .filter((entry) => !entry.name.startsWith('.') && isFolder(entry, path))
      .map(({ name }) => name)
  } catch {
    return []
  }
}

function isFolder(
  entry: { readonly name: string; isDirectory(): boolean; isSymbolicLink(): boolean },
  parent: string,
) {
  if (!entry.isSymbolicLink()) return entry.isDirectory()
  return statSync(join(parent, entry.name), { throwIfNoEntry: false })?.isDirectory() ?? false
}

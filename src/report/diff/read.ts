import type { Store } from '../../graph/store.ts'
import type { RunDiff } from '../../runs/diff/diff.ts'
import type { Flip } from '../../runs/diff/predictions.ts'
import type { Side } from '../../runs/diff/side.ts'
import type { StoredRun } from '../../runs/read.ts'
import { findNamedThumbnails, findThumbnails, pictureKey, type Thumbnails } from '../pictures.ts'

/** What a page about two runs is made of. */
export interface DiffReport {
  /** With all that is equal, too. */
  readonly diff: RunDiff
  /** Of flipped pictures that are shown, by B's split and path, as far as they are still here. */
  readonly thumbnails: Thumbnails
}

/** Pictures that a page shows of each kind of change. */
const SHOWN = 24

/** The changes, each with a heading, in the order of the page. */
export const CHANGES = ['lost', 'won', 'other'] as const

/** Flips of one kind: those that are shown as pictures, and the others. */
export function flipsOf({ diff }: Pick<DiffReport, 'diff'>, change: Flip['change']) {
  const all = diff.predictions?.flips.filter((flip) => flip.change === change) ?? []
  return { all, shown: all.slice(0, SHOWN), rest: all.slice(SHOWN) }
}

/** Finds the pictures where the runs have left them: B's first, A's where B's are gone and the paths are the same. */
export async function readDiffReport(diff: RunDiff, store: Store | undefined): Promise<DiffReport> {
  const wanted = CHANGES.flatMap((change) => flipsOf({ diff }, change).shown)
  const found = new Map(await picturesOf(diff.b, store, wanted))
  const isSameData = diff.data?.splits.every(({ a, b, moved }) => a === b && moved === 0) ?? false
  const missing = wanted.filter((one) => !found.has(pictureKey(one)))
  if (isSameData && missing.length > 0) {
    for (const [key, made] of await picturesOf(diff.a, store, missing)) found.set(key, made)
  }
  return { diff, thumbnails: found }
}

async function picturesOf(
  { record, folder }: Side,
  store: Store | undefined,
  wanted: readonly Flip[],
): Promise<Thumbnails> {
  if (!record || folder === undefined || wanted.length === 0) return new Map()
  const run: StoredRun = { record, folder }
  return record.predicted
    ? findNamedThumbnails(
        run,
        wanted.map(({ image }) => image),
      )
    : findThumbnails(run, store, wanted)
}

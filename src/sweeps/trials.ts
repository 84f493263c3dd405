import { join } from 'node:path'
import type { Sweep } from './sweep.ts'
import {
  addTrial,
  claimTrial,
  readTrial,
  readTrials,
  sweepDrafts,
  type TrialFolder,
} from './trial-folder.ts'
import { stateOf, valueOf } from './trial-state.ts'

/** Where the trials of a sweep are. */
export function folderOf({ folder }: Pick<Sweep, 'folder'>, id: string): string {
  return join(folder, 'trials', id)
}

/** What is on disk of the sweep's trials, by id. */
export function readFolders(sweep: Sweep): Map<string, TrialFolder> {
  const found = sweep.trials.flatMap(({ id }) => readTrial(folderOf(sweep, id)) ?? [])
  return new Map(found.map((folder) => [folder.id, folder]))
}

/** How many trials are in the folder that the file has no more. */
export function countOthers(sweep: Sweep): number {
  const known = new Set(sweep.trials.map(({ id }) => id))
  return readTrials(join(sweep.folder, 'trials')).filter(({ id }) => !known.has(id)).length
}

export interface BeginOptions {
  /** Trials that are done are run again. */
  readonly isForced: boolean
  /** Only trials that have failed are run. */
  readonly onlyFailed: boolean
}

/**
 * Adds the trials that are not in the folder yet, and opens those again that are to be run once more: the failed ones, and
 * those without the figure that trials are judged by now. Returns the trials that this call is about.
 */
export async function begin(
  sweep: Sweep,
  { isForced, onlyFailed }: BeginOptions,
): Promise<ReadonlySet<string>> {
  const trials = join(sweep.folder, 'trials')
  await sweepDrafts(trials)
  const wanted = new Set<string>()
  const before = readFolders(sweep)
  for (const { id, parameters } of sweep.trials) {
    const folder = before.get(id)
    if (!folder) {
      await addTrial(trials, { id, parameters })
      if (!onlyFailed) wanted.add(id)
      continue
    }
    const state = stateOf(folder)
    const isFailed = state.status === 'failed'
    if (!onlyFailed || isFailed) wanted.add(id)
    if (folder.ticket.state !== 'closed') continue
    const isDue =
      isFailed || (!onlyFailed && (isForced || valueOf(state, sweep.block.metric) === undefined))
    if (isDue) claimTrial(folder, { again: true })?.release('open')
  }
  return wanted
}

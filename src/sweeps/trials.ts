import { join } from 'node:path'
import { spaceOf } from './space.ts'
import type { Sweep, Trial } from './sweep.ts'
import { makeTicketFolder, sweepDrafts } from './ticket.ts'
import { addTrial, claimTrial, readTrial, readTrials, type TrialFolder } from './trial-folder.ts'
import { stateOf, valueOf } from './trial-state.ts'

/** Where the trials of a sweep are. */
export function folderOf({ folder }: Pick<Sweep, 'folder'>, id: string): string {
  return join(trialsFolder({ folder }), id)
}

/** The ticket of who may suggest the next trial. */
export function turnFolder({ folder }: Pick<Sweep, 'folder'>): string {
  return join(folder, 'turn')
}

export function trialsFolder({ folder }: Pick<Sweep, 'folder'>): string {
  return join(folder, 'trials')
}

/** What is on disk of the sweep's trials, by id. */
export function readFolders(sweep: Sweep): Map<string, TrialFolder> {
  const found = sweep.trials.flatMap(({ id }) => readTrial(folderOf(sweep, id)) ?? [])
  return new Map(found.map((folder) => [folder.id, folder]))
}

/** How many trials are in the folder that the file has no more. */
export function countOthers(sweep: Sweep): number {
  const known = new Set(sweep.trials.map(({ id }) => id))
  return readTrials(trialsFolder(sweep)).filter(({ id }) => !known.has(id)).length
}

/**
 * The sweep with the trials that have been suggested by now, by this process or another: those of the folder that the file as
 * it is would make of their parameters. The same sweep where all trials are known from the start.
 */
export async function withSuggested(sweep: Sweep): Promise<Sweep> {
  if (sweep.block.method !== 'tpe') return sweep
  const known = new Map(sweep.trials.map((trial) => [trial.id, trial]))
  const space = spaceOf(sweep.block)
  const numbered: { readonly number: number; readonly trial: Trial }[] = []
  for (const { id, number, parameters } of readTrials(trialsFolder(sweep))) {
    if (number === undefined) continue
    const own = Object.entries(parameters).filter(([key]) => !sweep.block.repeat.has(key))
    const trial =
      known.get(id) ??
      (space.point(Object.fromEntries(own)) &&
        (await sweep.resolve(parameters).catch(() => undefined)))
    if (trial?.id === id) numbered.push({ number, trial })
  }
  numbered.sort((a, b) => a.number - b.number)
  const later = numbered.map(({ trial }) => trial)
  const first = sweep.trials.filter(({ id }) => !later.some((trial) => trial.id === id))
  return { ...sweep, trials: [...first, ...later] }
}

export interface BeginOptions {
  /** Trials that are done are run again. */
  readonly isForced: boolean
  /** Only trials that have failed are run. */
  readonly onlyFailed: boolean
}

/**
 * Adds the trials that are known and not in the folder yet, and opens those again that are to be run once more: the failed
 * ones, and those without the figure that trials are judged by now. Returns the trials that this call is about; undefined: all.
 */
export async function begin(
  sweep: Sweep,
  { isForced, onlyFailed }: BeginOptions,
): Promise<ReadonlySet<string> | undefined> {
  const trials = trialsFolder(sweep)
  await sweepDrafts(trials)
  await sweepDrafts(sweep.folder)
  await makeTicketFolder(turnFolder(sweep))
  const failed = new Set<string>()
  const before = readFolders(sweep)
  for (const { id, parameters } of sweep.trials) {
    const folder = before.get(id)
    if (!folder) {
      await addTrial(trials, { id, parameters })
      continue
    }
    const state = stateOf(folder)
    const isFailed = state.status === 'failed'
    if (isFailed) failed.add(id)
    if (folder.ticket.state !== 'closed') continue
    const isCut = state.status === 'stopped' || state.status === 'paused'
    const isDue =
      isForced ||
      valueOf(state, sweep.block.metric) === undefined ||
      (isCut && !sweep.block.earlyTerminate)
    if (isFailed || (!onlyFailed && isDue)) claimTrial(folder, { again: true })?.release('open')
  }
  return onlyFailed ? failed : undefined
}

import { join } from 'node:path'
import { ownerText } from '../graph/owner.ts'
import { spaceOf } from './space.ts'
import type { Sweep, Trial } from './sweep.ts'
import { makeTicketFolder, sweepDrafts, ticketOwner } from './ticket.ts'
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

/** Closes trials whose process died between the last line of their log and giving them back: they are over. */
export function closeEnded(sweep: Sweep): void {
  for (const folder of readFolders(sweep).values()) {
    const { ticket, log } = folder
    if (ticket.state !== 'claimed' || ticket.isAlive) continue
    const last = log.at(-1)?.type
    const isOver = last === 'done' || last === 'paused' || last === 'stopped' || last === 'failed'
    if (isOver) claimTrial(folder)?.release('closed')
  }
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
  options: BeginOptions,
): Promise<ReadonlySet<string> | undefined> {
  const trials = trialsFolder(sweep)
  await sweepDrafts(trials)
  await sweepDrafts(sweep.folder)
  await makeTicketFolder(turnFolder(sweep))
  closeEnded(sweep)
  const failed = new Set<string>()
  const before = readFolders(sweep)
  for (const { id, parameters } of sweep.trials) {
    const folder = before.get(id)
    if (!folder) {
      await addTrial(trials, { id, parameters })
      continue
    }
    if (stateOf(folder).status === 'failed') failed.add(id)
    if (folder.ticket.state !== 'closed') continue
    if (isDueAgain(sweep, folder, options)) claimTrial(folder, { again: true })?.release('open')
  }
  return options.onlyFailed ? failed : undefined
}

/** Whether a trial that is closed is to be run once more. */
function isDueAgain(
  { block }: Sweep,
  folder: TrialFolder,
  { isForced, onlyFailed }: BeginOptions,
): boolean {
  const state = stateOf(folder)
  if (state.status === 'failed') return true
  if (onlyFailed) return false
  const isCut = state.status === 'stopped' || state.status === 'paused'
  const isJudged = valueOf(state, block.metric) !== undefined
  return isForced || !isJudged || (isCut && !block.earlyTerminate)
}

/** The trials that are known and that nobody is at: what `begin` would leave open. */
export function openTrials(sweep: Sweep, options: BeginOptions): ReadonlySet<string> {
  const folders = readFolders(sweep)
  const isOpen = ({ id }: Trial): boolean => {
    const folder = folders.get(id)
    if (!folder) return !options.onlyFailed
    const { ticket } = folder
    if (ticket.state === 'closed') return isDueAgain(sweep, folder, options)
    if (ticket.state === 'claimed' && ticket.isAlive) return false
    return !options.onlyFailed || stateOf(folder).status === 'failed'
  }
  return new Set(sweep.trials.filter(isOpen).map(({ id }) => id))
}

/** Workers that have a trial now, and on how many machines they are. */
export function workersAlive(sweep: Pick<Sweep, 'folder'>): {
  readonly workers: number
  readonly machines: number
} {
  const owners = readTrials(trialsFolder(sweep)).flatMap(({ ticket }) =>
    ticket.state === 'claimed' && ticket.isAlive ? (ticketOwner(ticket) ?? []) : [],
  )
  const distinct = (texts: readonly string[]) => new Set(texts).size
  return {
    workers: distinct(owners.map(ownerText)),
    machines: distinct(owners.map(({ machine }) => machine)),
  }
}

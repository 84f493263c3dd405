import { readFileSync } from 'node:fs'
import { open } from 'node:fs/promises'
import { join } from 'node:path'
import type { Values } from '../pipeline/sweep-block.ts'
import type { Figures } from '../runs/record.ts'
import { diskError, isErrno } from '../util/files.ts'
import { stableJson, type Json } from '../util/json.ts'
import { claimTicket, list, makeTicketFolder, readTicket, type Ticket } from './ticket.ts'

/**
 * A trial on disk, `trials/<id>/`: trial.json says what it is, log.jsonl what has happened to it, and a ticket who has it. Only
 * who has claimed it writes to the log. The folder appears whole, so that of several processes that want to add the same
 * trial one does.
 */
export interface TrialFolder {
  readonly id: string
  readonly path: string
  /** Where the next trial depends on what came before: how many were suggested before this one. */
  readonly number: number | undefined
  readonly parameters: Values
  readonly ticket: Ticket
  readonly log: readonly TrialLine[]
}

/** A line of the log. Times are ISO 8601, UTC. */
export type TrialLine =
  | { readonly type: 'started'; readonly time: string; readonly owner: string }
  | {
      readonly type: 'epoch'
      readonly epoch: number
      readonly epochs: number
      readonly train: Figures
      readonly validation?: Figures | undefined
      readonly seconds: number
    }
  | TrialDone
  | {
      readonly type: 'stopped'
      readonly time: string
      readonly epoch: number
      readonly metrics: Figures
    }
  | {
      readonly type: 'failed'
      readonly time: string
      readonly code: string
      readonly message: string
    }
  | { readonly type: 'interrupted'; readonly time: string }

/** `paused`: it was trained as far as its rung, and goes on from there if it is promoted. */
export interface TrialDone {
  readonly type: 'done' | 'paused'
  readonly time: string
  /** With early termination by rungs: the epochs that it was trained for, unless it ended by itself. */
  readonly rung?: number | undefined
  /** `<name>/<run id>`, as seen from the folder of runs. */
  readonly run: string
  /** `validation.accuracy` and so on: what was evaluated, and for splits that were not the last epoch's. */
  readonly metrics: Figures
  readonly epochs: number
  readonly seconds: number
  /** Nothing was trained for it. */
  readonly cached: boolean
}

const FILES = { trial: 'trial.json', log: 'log.jsonl' } as const

/** The trials of the folder, those that are whole. */
export function readTrials(folder: string): TrialFolder[] {
  return list(folder).flatMap((id) =>
    id.startsWith('.') ? [] : (readTrial(join(folder, id)) ?? []),
  )
}

export function readTrial(path: string): TrialFolder | undefined {
  try {
    const { id, number, parameters } = JSON.parse(
      readFileSync(join(path, FILES.trial), 'utf8'),
    ) as Pick<TrialFolder, 'id' | 'number' | 'parameters'>
    const ticket = readTicket(path)
    return ticket && { id, path, number, parameters, ticket, log: readLog(path) }
  } catch (error) {
    if (isErrno(error, 'ENOENT', 'ENOTDIR') || error instanceof SyntaxError) return undefined
    throw error
  }
}

/** Every whole line; what a killed process has half written is passed over. */
function readLog(path: string): TrialLine[] {
  let text
  try {
    text = readFileSync(join(path, FILES.log), 'utf8')
  } catch (error) {
    if (isErrno(error, 'ENOENT')) return []
    throw error
  }
  return text.split('\n').flatMap((line) => {
    try {
      return line === '' ? [] : [JSON.parse(line) as TrialLine]
    } catch {
      return []
    }
  })
}

/** Adds a trial, open; false where it is there already. Throws NOT_WRITABLE, DISK_FULL. */
export function addTrial(
  folder: string,
  trial: { readonly id: string; readonly number?: number | undefined; readonly parameters: Values },
): Promise<boolean> {
  const { id, number, parameters } = trial
  const text = stableJson({
    id,
    ...(number === undefined ? {} : { number }),
    parameters: parameters as Json,
  })
  return makeTicketFolder(join(folder, id), { [FILES.trial]: text })
}

/** The sole right to run a trial and to write to its log. */
export interface TrialClaim {
  readonly path: string
  /** Durable once it resolves, but for epochs. */
  write(line: TrialLine): Promise<void>
  /** Gives the trial back, to be run (again) or not. */
  release(to: 'open' | 'closed'): void
}

/** As `claimTicket`. */
export function claimTrial(
  { path, ticket }: TrialFolder,
  options?: { readonly again?: boolean },
): TrialClaim | undefined {
  const claim = claimTicket(path, ticket, options)
  if (!claim) return undefined
  return { path, write: (line) => appendToLog(join(path, FILES.log), line), ...claim }
}

/** A line that was torn by a kill is ended first, so that it spoils only itself. */
async function appendToLog(path: string, line: TrialLine): Promise<void> {
  try {
    const file = await open(path, 'a+')
    try {
      const { size } = await file.stat()
      const last = Buffer.alloc(1)
      if (size > 0) await file.read(last, 0, 1, size - 1)
      const isTorn = size > 0 && last.toString() !== '\n'
      await file.writeFile(`${isTorn ? '\n' : ''}${JSON.stringify(line)}\n`)
      if (line.type !== 'epoch') await file.sync()
    } finally {
      await file.close()
    }
  } catch (error) {
    throw diskError(error, path)
  }
}

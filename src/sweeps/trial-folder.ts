import { randomBytes } from 'node:crypto'
import { readdirSync, readFileSync, renameSync, statSync, utimesSync } from 'node:fs'
import { mkdir, open, rename, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { HEARTBEAT_MS, isAlive, ownerText, parseOwner, self } from '../graph/owner.ts'
import type { Values } from '../pipeline/sweep-block.ts'
import type { Figures } from '../runs/record.ts'
import { diskError, isErrno, syncFolder } from '../util/files.ts'
import { stableJson, type Json } from '../util/json.ts'

/**
 * A trial on disk, `trials/<id>/`: trial.json says what it is, log.jsonl what has happened to it, and one empty file whose
 * name is changed says who has it: `open`, `claimed.<owner>` or `closed`. Only the owner writes to the log. The folder appears
 * whole, by a rename, so that of several processes that want to add the same trial one does.
 */
export interface TrialFolder {
  readonly id: string
  readonly path: string
  readonly parameters: Values
  readonly ticket: Ticket
  readonly log: readonly TrialLine[]
}

export type Ticket =
  | { readonly state: 'open' | 'closed' }
  | { readonly state: 'claimed'; readonly name: string; readonly isAlive: boolean }

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
      readonly type: 'failed'
      readonly time: string
      readonly code: string
      readonly message: string
    }
  | { readonly type: 'interrupted'; readonly time: string }

export interface TrialDone {
  readonly type: 'done'
  readonly time: string
  /** `<name>/<run id>`, as seen from the folder of runs. */
  readonly run: string
  /** `validation.accuracy` and so on: what was evaluated, and for splits that were not the last epoch's. */
  readonly metrics: Figures
  readonly epochs: number
  readonly seconds: number
  /** Nothing was trained for it. */
  readonly cached: boolean
}

const FILES = { trial: 'trial.json', log: 'log.jsonl', open: 'open', closed: 'closed' } as const
const CLAIMED = 'claimed.'

/** The trials of the folder, those that are whole. */
export function readTrials(folder: string): TrialFolder[] {
  return list(folder).flatMap((id) =>
    id.startsWith('.') ? [] : (readTrial(join(folder, id)) ?? []),
  )
}

export function readTrial(path: string): TrialFolder | undefined {
  try {
    const { id, parameters } = JSON.parse(readFileSync(join(path, FILES.trial), 'utf8')) as {
      id: string
      parameters: Values
    }
    const ticket = readTicket(path)
    return ticket && { id, path, parameters, ticket, log: readLog(path) }
  } catch (error) {
    if (isErrno(error, 'ENOENT', 'ENOTDIR') || error instanceof SyntaxError) return undefined
    throw error
  }
}

/** Twice: between two readings another process may have renamed it. */
function readTicket(path: string): Ticket | undefined {
  for (let i = 0; i < 50; i += 1) {
    const names = list(path)
    const claimed = names.find((name) => name.startsWith(CLAIMED))
    if (claimed) return { state: 'claimed', name: claimed, isAlive: isLiving(path, claimed) }
    if (names.includes(FILES.open)) return { state: 'open' }
    if (names.includes(FILES.closed)) return { state: 'closed' }
  }
  return undefined
}

function isLiving(path: string, ticket: string): boolean {
  const owner = parseOwner(ticket.slice(CLAIMED.length).split('.'))
  const touched = () => statSync(join(path, ticket), { throwIfNoEntry: false })?.mtimeMs ?? 0
  return owner !== undefined && isAlive(owner, touched)
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
export async function addTrial(
  folder: string,
  trial: { readonly id: string; readonly parameters: Values },
): Promise<boolean> {
  const draft = join(folder, `.${ownerText(self())}.${randomBytes(5).toString('hex')}`)
  try {
    await mkdir(draft, { recursive: true })
    await writeFile(join(draft, FILES.trial), stableJson({ ...trial } as unknown as Json))
    await writeFile(join(draft, FILES.open), '')
    await rename(draft, join(folder, trial.id))
    await syncFolder(folder)
    return true
  } catch (error) {
    await rm(draft, { recursive: true, force: true })
    if (isErrno(error, 'ENOTEMPTY', 'EEXIST')) return false
    throw diskError(error, folder)
  }
}

/** The sole right to run a trial and to write to its log. */
export interface TrialClaim {
  readonly path: string
  /** Durable once it resolves, but for epochs. */
  write(line: TrialLine): Promise<void>
  /** Gives the trial back, to be run (again) or not. */
  release(to: 'open' | 'closed'): void
}

/**
 * Claims a trial that is open (`closed` too where it is to be run again), or one whose owner is dead. Undefined where another
 * process was quicker: of several renames of one file, one succeeds.
 */
export function claimTrial(
  { path, ticket }: TrialFolder,
  { again = false }: { readonly again?: boolean } = {},
): TrialClaim | undefined {
  if (ticket.state === 'closed' && !again) return undefined
  if (ticket.state === 'claimed' && ticket.isAlive) return undefined
  const name = `${CLAIMED}${ownerText(self())}`
  const from = ticket.state === 'claimed' ? ticket.name : FILES[ticket.state]
  const mine = join(path, name)
  if (!renamed(join(path, from), mine)) return undefined
  touch(mine)
  const heart = setInterval(() => touch(mine), HEARTBEAT_MS).unref()
  return {
    path,
    write: (line) => appendToLog(join(path, FILES.log), line),
    release: (to) => {
      clearInterval(heart)
      renamed(mine, join(path, FILES[to]))
    },
  }
}

function renamed(from: string, to: string): boolean {
  try {
    renameSync(from, to)
    return true
  } catch (error) {
    if (isErrno(error, 'ENOENT')) return false
    throw diskError(error, to)
  }
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

/** Removes drafts that killed processes have left. */
export async function sweepDrafts(folder: string): Promise<void> {
  for (const name of list(folder)) {
    if (!name.startsWith('.')) continue
    const owner = parseOwner(name.slice(1).split('.'))
    const touched = () => statSync(join(folder, name), { throwIfNoEntry: false })?.mtimeMs ?? 0
    if (owner && !isAlive(owner, touched)) {
      await rm(join(folder, name), { recursive: true, force: true })
    }
  }
}

function touch(path: string): void {
  try {
    utimesSync(path, new Date(), new Date())
  } catch {
    // Released between two beats.
  }
}

function list(folder: string): string[] {
  try {
    return readdirSync(folder)
  } catch (error) {
    if (isErrno(error, 'ENOENT', 'ENOTDIR')) return []
    throw error
  }
}

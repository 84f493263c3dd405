import { randomBytes } from 'node:crypto'
import { readdirSync, renameSync, statSync, utimesSync } from 'node:fs'
import { mkdir, rename, rm, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { HEARTBEAT_MS, isAlive, ownerText, parseOwner, self, type Owner } from '../graph/owner.ts'
import { diskError, isErrno, syncFolder } from '../util/files.ts'

/**
 * An empty file in a folder of its own whose name says who has what the folder stands for: `open`, `closed` or
 * `claimed.<owner>`. It is only ever renamed, which one of several processes can do, on one machine or on a file system that
 * several share.
 */
export type Ticket =
  | { readonly state: 'open' | 'closed' }
  | { readonly state: 'claimed'; readonly name: string; readonly isAlive: boolean }

/** The sole right to what a ticket stands for, as long as this process lives. */
export interface TicketClaim {
  release(to: 'open' | 'closed'): void
}

const CLAIMED = 'claimed.'

/** Undefined where there is none. Looks again where another process renames it at this moment. */
export function readTicket(folder: string): Ticket | undefined {
  for (let i = 0; i < 50; i += 1) {
    const names = list(folder)
    const claimed = names.find((name) => name.startsWith(CLAIMED))
    if (claimed) return { state: 'claimed', name: claimed, isAlive: isLiving(folder, claimed) }
    if (names.includes('open')) return { state: 'open' }
    if (names.includes('closed')) return { state: 'closed' }
  }
  return undefined
}

/**
 * Claims a ticket that is open (`closed` too with `again`), or one whose owner is dead. Undefined where another process was
 * quicker.
 */
export function claimTicket(
  folder: string,
  ticket: Ticket,
  { again = false }: { readonly again?: boolean } = {},
): TicketClaim | undefined {
  if (ticket.state === 'closed' && !again) return undefined
  if (ticket.state === 'claimed' && ticket.isAlive) return undefined
  const from = ticket.state === 'claimed' ? ticket.name : ticket.state
  const mine = join(folder, `${CLAIMED}${ownerText(self())}`)
  if (!renamed(join(folder, from), mine)) return undefined
  touch(mine)
  const heart = setInterval(() => touch(mine), HEARTBEAT_MS).unref()
  return {
    release: (to) => {
      clearInterval(heart)
      renamed(mine, join(folder, to))
    },
  }
}

/**
 * Makes a folder with an open ticket and other files in it, whole or not at all; false where it is there already. Throws
 * NOT_WRITABLE, DISK_FULL.
 */
export async function makeTicketFolder(
  folder: string,
  files: Readonly<Record<string, string>> = {},
): Promise<boolean> {
  const parent = dirname(folder)
  const draft = join(parent, `.${ownerText(self())}.${randomBytes(5).toString('hex')}`)
  try {
    await mkdir(draft, { recursive: true })
    for (const [name, text] of Object.entries(files)) await writeFile(join(draft, name), text)
    await writeFile(join(draft, 'open'), '')
    await rename(draft, folder)
    await syncFolder(parent)
    return true
  } catch (error) {
    await rm(draft, { recursive: true, force: true })
    if (isErrno(error, 'ENOTEMPTY', 'EEXIST')) return false
    throw diskError(error, parent)
  }
}

/** Removes drafts of folders that killed processes have left. */
export async function sweepDrafts(parent: string): Promise<void> {
  for (const name of list(parent)) {
    if (!name.startsWith('.')) continue
    const owner = parseOwner(name.slice(1).split('.'))
    if (!owner || isAlive(owner, () => touchedMs(join(parent, name)))) continue
    await rm(join(parent, name), { recursive: true, force: true })
  }
}

/** Who has it. */
export function ticketOwner({ name }: { readonly name: string }): Owner | undefined {
  return parseOwner(name.slice(CLAIMED.length).split('.'))
}

function isLiving(folder: string, name: string): boolean {
  const owner = ticketOwner({ name })
  return owner !== undefined && isAlive(owner, () => touchedMs(join(folder, name)))
}

function touchedMs(path: string): number {
  return statSync(path, { throwIfNoEntry: false })?.mtimeMs ?? 0
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

function touch(path: string): void {
  try {
    utimesSync(path, new Date(), new Date())
  } catch {
    // Released between two beats.
  }
}

/** Names in a folder; none where it is not there. */
export function list(folder: string): string[] {
  try {
    return readdirSync(folder)
  } catch (error) {
    if (isErrno(error, 'ENOENT', 'ENOTDIR')) return []
    throw error
  }
}

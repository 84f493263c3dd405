import { existsSync, readFileSync, statSync, utimesSync } from 'node:fs'
import { rm } from 'node:fs/promises'
import { join } from 'node:path'
import { HEARTBEAT_MS, isAlive, ownerText, parseOwner, self } from '../graph/owner.ts'
import { writeFileAtomic } from '../util/files.ts'
import { RUN_FILES } from './record.ts'

/**
 * running.json in the folder of a run says which process works on it, so that a reader can tell a run that is under
 * way from one that was killed. It is gone once the run has ended.
 */
export async function markRunning(folder: string): Promise<void> {
  const mark = { process: ownerText(self()), since: new Date().toISOString() }
  await writeFileAtomic(markOf(folder), `${JSON.stringify(mark)}\n`)
}

/** Keeps the mark fresh for readers on other machines, who cannot ask for the process; returns how to stop. */
export function keepMark(folder: string): () => void {
  const beat = setInterval(() => touch(markOf(folder)), HEARTBEAT_MS).unref()
  return () => clearInterval(beat)
}

export async function removeMark(folder: string): Promise<void> {
  await rm(markOf(folder), { force: true })
}

export function isMarked(folder: string): boolean {
  return existsSync(markOf(folder))
}

/** Whether the process that marked the folder still runs. */
export function isBeingMade(folder: string): boolean {
  try {
    const path = markOf(folder)
    const mark = JSON.parse(readFileSync(path, 'utf8')) as { process: string }
    const owner = parseOwner(mark.process.split('.'))
    return owner !== undefined && isAlive(owner, () => statSync(path).mtimeMs)
  } catch {
    // No mark, or none of this format.
    return false
  }
}

function markOf(folder: string): string {
  return join(folder, RUN_FILES.running)
}

function touch(path: string): void {
  try {
    utimesSync(path, new Date(), new Date())
  } catch {
    // The run has ended in this moment.
  }
}

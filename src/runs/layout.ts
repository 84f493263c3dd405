import { readdirSync } from 'node:fs'
import { mkdir, rename, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { livingOwner, ownName } from '../graph/claims.ts'
import type { Digest } from '../util/digest.ts'
import { diskError, isErrno } from '../util/files.ts'
import { isBeingMade, isMarked, markRunning } from './mark.ts'
import { readRun } from './read.ts'

/** `20261124-101500-8f2c1a`: UTC time, then the start of the pipeline's digest. */
export function newRunId(now: Date, pipeline: Digest): string {
  const [date, time] = now.toISOString().slice(0, 19).replace(/[-:]/g, '').split('T')
  return `${date}-${time}-${pipeline.slice(7, 13)}`
}

/** What git takes of a run: small texts. Models, predictions and the list of pictures stay out. */
const GITIGNORE = `# Of a run, git keeps run.json, metrics.jsonl, the pipeline and the summary; what is big stays out.
model/
predictions.jsonl
predictions.csv
index.jsonl
running.json
report.html
tensorboard/
diff-*.html
.*
!.gitignore
`

/**
 * Makes the folder of a new run, marked as this process', and the root with its .gitignore where it is new. The folder
 * appears with its mark in it, under an id that no other run has. Throws NOT_WRITABLE, DISK_FULL.
 */
export async function makeRunFolder(
  root: string,
  name: string,
  started: Date,
  pipeline: Digest,
): Promise<{ id: string; folder: string }> {
  const parent = join(root, name)
  try {
    await mkdir(parent, { recursive: true })
    await writeFile(join(root, '.gitignore'), GITIGNORE, { flag: 'wx' }).catch((error: unknown) => {
      if (!isErrno(error, 'EEXIST')) throw error
    })
    await sweep(parent)
    const draft = join(parent, `.${ownName()}`)
    await mkdir(draft)
    await markRunning(draft)
    // A run that began in the same second has the id: then this one is a second later.
    for (let time = started.getTime(); ; time += 1000) {
      const id = newRunId(new Date(time), pipeline)
      const folder = join(parent, id)
      if (await moved(draft, folder)) return { id, folder }
    }
  } catch (error) {
    throw diskError(error, parent)
  }
}

/** Takes an unfinished run's folder over, without what a process that was killed had half written there. */
export async function takeRunFolder(folder: string): Promise<void> {
  try {
    for (const name of readdirSync(folder).filter((entry) => TEMPORARY.test(entry))) {
      await rm(join(folder, name), { force: true })
    }
    await markRunning(folder)
  } catch (error) {
    throw diskError(error, folder)
  }
}

/** Names of `writeFileAtomic`, and of drafts of run folders. */
const TEMPORARY = /^\.[0-9a-f]{12}\.tmp$/
const DRAFT = /^\.[0-9a-f]{8}\.\d+\.[^.]+\.[0-9a-f]+$/

/** Removes what processes left behind that were killed before their run had a record. */
async function sweep(parent: string): Promise<void> {
  for (const name of readdirSync(parent)) {
    const path = join(parent, name)
    const isDebris = DRAFT.test(name)
      ? livingOwner(path) === undefined
      : isMarked(path) && !isBeingMade(path) && readRun(path) === undefined
    if (isDebris) await rm(path, { recursive: true, force: true })
  }
}

/** False where a run is in that place already. */
async function moved(from: string, to: string): Promise<boolean> {
  try {
    await rename(from, to)
    return true
  } catch (error) {
    if (isErrno(error, 'ENOTEMPTY', 'EEXIST')) return false
    throw error
  }
}

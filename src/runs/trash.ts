import { existsSync } from 'node:fs'
import { mkdir, rename, rm, rmdir } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { failure } from '../util/diagnostic.ts'
import { diskError, isErrno } from '../util/files.ts'
import { placeOf, TRASH } from './list/list.ts'
import { isBeingMade } from './mark.ts'
import type { StoredRun } from './read.ts'

/** Refuses what cannot be taken away: a run that is under way, a folder that is not one of these runs. Throws USAGE. */
export function checkRemovable({ record, folder }: StoredRun, root: string): void {
  if (isBeingMade(folder)) {
    throw failure('USAGE', `${record.name} ${record.id} is running`, {
      hint: 'end it first (Ctrl-C, or a signal to its process)',
    })
  }
  const [name, id] = placeOf({ folder })
  if (join(root, name, id) === folder) return
  throw failure('USAGE', `${folder} is not below ${root}`, {
    hint: `say where its runs are: --runs ${dirname(dirname(folder))}`,
  })
}

/** Moves the run into the trash and returns where it is then. What its stages made stays in the store. */
export async function moveToTrash({ folder }: StoredRun, root: string): Promise<string> {
  return move(folder, join(root, TRASH, ...placeOf({ folder })))
}

/** The way back, for a run of the trash. Throws USAGE where a run is in its old place. */
export async function restore({ folder }: StoredRun, root: string): Promise<string> {
  return move(folder, join(root, ...placeOf({ folder })))
}

/** Deletes the run: moved first, so that a half of it is never taken for a run. */
export async function purge(run: StoredRun, root: string): Promise<void> {
  const isThere = run.folder.startsWith(join(root, TRASH))
  const folder = isThere ? run.folder : await moveToTrash(run, root)
  await removeFolder(folder)
  await removeEmpty(dirname(folder))
}

export async function emptyTrash(root: string): Promise<void> {
  await removeFolder(join(root, TRASH))
}

async function move(from: string, to: string): Promise<string> {
  try {
    if (existsSync(to)) {
      throw failure('USAGE', `there is a run in ${to} already`, {
        hint: `rename or delete that one`,
      })
    }
    await mkdir(dirname(to), { recursive: true })
    await rename(from, to)
  } catch (error) {
    throw diskError(error, to)
  }
  await removeEmpty(dirname(from))
  return to
}

async function removeFolder(path: string): Promise<void> {
  try {
    await rm(path, { recursive: true, force: true })
  } catch (error) {
    throw diskError(error, path)
  }
}

/** The folder of a name that no run has any more. */
async function removeEmpty(path: string): Promise<void> {
  try {
    await rmdir(path)
  } catch (error) {
    if (!isErrno(error, 'ENOTEMPTY', 'EEXIST', 'ENOENT')) throw diskError(error, path)
  }
}

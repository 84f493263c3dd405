import { randomBytes } from 'node:crypto'
import { constants } from 'node:fs'
import { mkdir, open, rename, rm, stat, writeFile, type FileHandle } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { failure, PipelineError } from './diagnostic.ts'

/** Writes the file whole or not at all: a temporary name beside it, fsync, rename, fsync of the folder. */
export async function writeFileAtomic(path: string, data: string | Uint8Array): Promise<void> {
  const temporary = join(dirname(path), `.${randomBytes(6).toString('hex')}.tmp`)
  try {
    await mkdir(dirname(path), { recursive: true })
    const file = await open(temporary, 'wx')
    try {
      await file.writeFile(data)
      await file.sync()
    } finally {
      await file.close()
    }
    await rename(temporary, path)
    await syncFolder(dirname(path))
  } catch (error) {
    await rm(temporary, { force: true })
    throw diskError(error, path)
  }
}

/** Makes a rename inside the folder durable; a file system that cannot sync a folder is left as it is. */
export async function syncFolder(path: string): Promise<void> {
  let folder
  try {
    folder = await open(path, constants.O_RDONLY)
    await folder.sync()
  } catch (error) {
    if (!isErrno(error, 'EINVAL', 'EISDIR', 'EPERM', 'EACCES')) throw error
  } finally {
    await folder?.close()
  }
}

/** Opens a file to read it. Throws for what is none, and waits for nobody who may write into a pipe. */
export async function openFile(path: string): Promise<FileHandle> {
  if (!(await stat(path)).isFile()) throw new Error(`${path} is no file`)
  return open(path, 'r')
}

/** Turns errors of the disk into diagnostics with a cure; everything else is returned as it is. */
export function diskError(error: unknown, path: string): unknown {
  if (error instanceof PipelineError) return error
  if (isErrno(error, 'ENOSPC', 'EDQUOT')) {
    return failure('DISK_FULL', `no space left on the disk while writing ${path}`, {
      hint: 'free some space, or `pipeline store gc`, or put the store elsewhere with --store DIR',
      cause: error,
    })
  }
  if (isErrno(error, 'EACCES', 'EPERM', 'EROFS')) {
    return failure('NOT_WRITABLE', `no permission to write ${path}`, {
      hint: 'give yourself write permission there, or choose another place with --store DIR or --runs DIR',
      cause: error,
    })
  }
  return error
}

export function isErrno(error: unknown, ...codes: readonly string[]): boolean {
  return (
    error instanceof Error &&
    'code' in error &&
    codes.includes(String((error as { code: unknown }).code))
  )
}

/** Appends one line and leaves a torn last line of an earlier crash behind it on its own line. */
export async function appendLine(path: string, line: string): Promise<void> {
  try {
    await writeFile(path, `${line}\n`, { flag: 'a' })
  } catch (error) {
    throw diskError(error, path)
  }
}

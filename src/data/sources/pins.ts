import { randomBytes } from 'node:crypto'
import { open, readFile, rename, rm, stat } from 'node:fs/promises'
import { setTimeout as sleep } from 'node:timers/promises'
import { failure } from '../../util/diagnostic.ts'
import { diskError, isErrno } from '../../util/files.ts'
import { stableJson } from '../../util/json.ts'
import { sourceKey, sourceName } from './source.ts'
import type { Digest } from '../../util/digest.ts'
import type { Source } from './source.ts'

/** `pipeline.lock`: the digest that each address and package had when it was first fetched. For version control. */
interface LockFile {
  readonly version: 1
  /** By `sourceKey`. */
  readonly sources: Readonly<Record<string, Digest>>
}

/** A writer that is gone for so long has died. */
const STALE_MS = 10_000

/** The digest that the lock file holds for the source. Throws WRONG_VALUE for a damaged lock file. */
export async function pinned(lockFile: string, source: Source): Promise<Digest | undefined> {
  const { sources } = await readLock(lockFile)
  const key = sourceKey(source)
  return Object.hasOwn(sources, key) ? sources[key] : undefined
}

/**
 * Writes the digest down, unless it is there. Throws DIGEST_MISMATCH when another one is, a disk diagnostic when the
 * file cannot be written. Safe for several writers: the temporary file is the lock, and is renamed over the file.
 */
export async function pin(lockFile: string, source: Source, digest: Digest): Promise<void> {
  const known = await pinned(lockFile, source)
  if (known !== undefined) return agree(lockFile, source, known, digest)
  const temporary = `${lockFile}.tmp`
  try {
    const file = await openAlone(temporary)
    try {
      const { sources } = await readLock(lockFile)
      const key = sourceKey(source)
      if (Object.hasOwn(sources, key)) agree(lockFile, source, sources[key]!, digest)
      await file.writeFile(stableJson({ version: 1, sources: { ...sources, [key]: digest } }))
      await file.sync()
      await file.close()
      await rename(temporary, lockFile)
    } catch (error) {
      await file.close().catch(() => undefined)
      await rm(temporary, { force: true })
      throw error
    }
  } catch (error) {
    throw diskError(error, lockFile)
  }
}

/** What to do about a pinned digest that no longer holds. */
export function unpinHint(lockFile: string, source: Source): string {
  return `if the change is wanted, remove the line ${JSON.stringify(sourceKey(source))} from ${lockFile}`
}

function agree(lockFile: string, source: Source, known: Digest, digest: Digest): void {
  if (known === digest) return
  const message = `${sourceName(source)} has other bytes: got ${digest}, ${lockFile} says ${known}`
  throw failure('DIGEST_MISMATCH', message, { hint: unpinHint(lockFile, source) })
}

async function openAlone(path: string) {
  for (;;) {
    try {
      return await open(path, 'wx')
    } catch (error) {
      if (isErrno(error, 'ENOENT', 'ENOTDIR')) {
        throw failure('NOT_WRITABLE', `there is no folder to write ${path} into`, { cause: error })
      }
      if (!isErrno(error, 'EEXIST')) throw error
    }
    const age = await stat(path).then(
      ({ mtimeMs }) => Date.now() - mtimeMs,
      () => 0,
    )
    if (age > STALE_MS) {
      // Of several that find it stale, one moves it away; the others find nothing, or the next writer's file.
      const away = `${path}.${randomBytes(4).toString('hex')}`
      await rename(path, away).catch(() => undefined)
      await rm(away, { force: true })
    } else await sleep(20)
  }
}

async function readLock(path: string): Promise<LockFile> {
  let text: string
  try {
    text = await readFile(path, 'utf8')
  } catch (error) {
    if (isErrno(error, 'ENOENT')) return { version: 1, sources: {} }
    throw error
  }
  try {
    const lock = JSON.parse(text) as LockFile
    const digests = Object.values(lock.sources)
    if (lock.version === 1 && digests.every((d) => /^sha256:[0-9a-f]{64}$/.test(d))) return lock
  } catch {
    // Said below, as for what parses and is no lock file.
  }
  throw failure('WRONG_VALUE', `${path} is no lock file of this version`, {
    hint: 'bring it back from version control (look for conflict markers), or delete it to pin anew',
  })
}

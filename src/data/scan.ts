import { createHash, webcrypto } from 'node:crypto'
import { statSync } from 'node:fs'
import { readFile } from 'node:fs/promises'
import { availableParallelism } from 'node:os'
import { join } from 'node:path'
import pLimit from 'p-limit'
import { byCodeUnit } from '../util/json.ts'
import { isErrno } from '../util/files.ts'
import { checkPicture } from './formats/table.ts'
import { loadMemory, sameStamp, storeMemory } from './scan-memory.ts'
import type { Digest } from '../util/digest.ts'
import type { FileStamp, MemoryRecord, Scanned } from './scan-memory.ts'

export type { Scanned } from './scan-memory.ts'

export interface ScanOptions {
  readonly signal: AbortSignal
  /** A file that remembers the last scan; without one everything is read. */
  readonly memory?: string | undefined
  readonly progress?: ((done: number, total: number) => void) | undefined
  /** Milliseconds since 1970; for tests. */
  readonly now?: (() => number) | undefined
}

/** The problem of a file that is not there, or of a link that leads nowhere. */
export const MISSING = 'no such file, or a link that leads nowhere'

/** One picture is read whole; nobody's photograph is larger. */
const MAX_BYTES = 512 * 2 ** 20
/** A file changed so shortly before it was read may change again within one tick of the clock (git's "racily clean"). */
const RACY_MS = 2000
/** Between two looks at the abort signal. */
const STRIDE = 2048

/**
 * Looks through every file (sha256 and `checkPicture` of one read), in the order given. A file whose device,
 * inode, size and times are as remembered is not opened. Files that cannot be read get a problem, never an error.
 * Throws `signal.reason` when aborted.
 */
export async function scanFiles(
  root: string,
  paths: readonly string[],
  options: ScanOptions,
): Promise<Scanned[]> {
  const { signal, memory } = options
  const now = options.now ?? Date.now
  const known = memory === undefined ? new Map<string, MemoryRecord>() : await loadMemory(memory)
  const stamps: (FileStamp | undefined)[] = []
  const results: (Scanned | undefined)[] = []
  const unread: number[] = []
  for (const [i, path] of paths.entries()) {
    if (i % STRIDE === 0) await breathe(signal)
    // Synchronous on purpose: a stat through the thread pool costs more than the stat.
    const stamp = stampOf(join(root, path))
    const record = known.get(path)
    stamps.push(stamp)
    const same = stamp !== undefined && record !== undefined && sameStamp(stamp, record.stamp)
    results.push(same ? record.scanned : undefined)
    if (!same) unread.push(i)
  }
  if (unread.length === 0 && known.size === paths.length) return results as Scanned[]
  const readAt: number[] = []
  let done = 0
  const limit = pLimit(2 * availableParallelism())
  await Promise.all(
    unread.map((i) =>
      limit(async () => {
        signal.throwIfAborted()
        readAt[i] = now()
        results[i] = await lookAt(join(root, paths[i]!), paths[i]!, stamps[i])
        done += 1
        options.progress?.(done, unread.length)
      }),
    ),
  )
  if (memory !== undefined) await remember(memory, stamps, results as Scanned[], readAt)
  return results as Scanned[]
}

/** Content digest of the files as scanned: sorted (path, size, sha256). Unreadable files count by their name. */
export function scanDigest(scanned: readonly Scanned[], ...more: readonly string[]): Digest {
  const lines = scanned.map((s) => `${s.path}\0${s.bytes}\0${s.sha256}\n`).sort(byCodeUnit)
  const hash = createHash('sha256').update(lines.join(''))
  for (const part of more) hash.update(`\0${part}`)
  return `sha256:${hash.digest('hex')}`
}

async function breathe(signal: AbortSignal): Promise<void> {
  await new Promise((resolve) => setImmediate(resolve))
  signal.throwIfAborted()
}

function stampOf(path: string): FileStamp | undefined {
  let stat
  try {
    stat = statSync(path, { bigint: true })
  } catch {
    return undefined
  }
  const u64 = (value: bigint) => (value < 0n ? BigInt.asUintN(64, value) : value)
  return {
    dev: u64(stat.dev),
    ino: u64(stat.ino),
    size: stat.size,
    mtimeNs: u64(stat.mtimeNs),
    ctimeNs: u64(stat.ctimeNs),
  }
}

async function lookAt(
  absolute: string,
  path: string,
  stamp: FileStamp | undefined,
): Promise<Scanned> {
  const bad = (problem: string): Scanned => ({
    path,
    bytes: Number(stamp?.size ?? 0),
    sha256: '',
    check: { problem },
  })
  if (stamp === undefined) {
    return bad(path.includes('\ufffd') ? 'its name is not UTF-8' : MISSING)
  }
  if (stamp.size > MAX_BYTES) return bad(`${stamp.size} bytes, more than ${MAX_BYTES}`)
  try {
    const bytes = await readFile(absolute)
    // Through the thread pool, so that hashing uses all cores; createHash would run here.
    const sha256 = Buffer.from(await webcrypto.subtle.digest('SHA-256', bytes)).toString('hex')
    return { path, bytes: bytes.length, sha256, check: checkPicture(bytes) }
  } catch (error) {
    if (isErrno(error, 'EACCES', 'EPERM')) return bad('no permission to read it')
    if (error instanceof Error && 'code' in error) return bad(`cannot be read (${error.code})`)
    throw error
  }
}

/** Racy files are left out, so that the next scan reads them again. */
async function remember(
  memory: string,
  stamps: readonly (FileStamp | undefined)[],
  results: readonly Scanned[],
  readAt: readonly (number | undefined)[],
): Promise<void> {
  const records: MemoryRecord[] = []
  results.forEach((scanned, i) => {
    const stamp = stamps[i]
    if (stamp === undefined || scanned.sha256 === '') return
    if (BigInt(scanned.bytes) !== stamp.size) return
    const read = readAt[i]
    const changed = stamp.mtimeNs > stamp.ctimeNs ? stamp.mtimeNs : stamp.ctimeNs
    if (read !== undefined && changed > BigInt(Math.trunc(read) - RACY_MS) * 1_000_000n) return
    records.push({ stamp, scanned })
  })
  await storeMemory(memory, records)
}

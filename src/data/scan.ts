import { webcrypto } from 'node:crypto'
import { statSync } from 'node:fs'
import { readFile } from 'node:fs/promises'
import { availableParallelism } from 'node:os'
import pLimit from 'p-limit'
import { digestOf } from '../util/digest.ts'
import { isErrno } from '../util/files.ts'
import { byCodeUnit } from '../util/json.ts'
import { encode, loadMemory, pathsKey, STAMP, storeMemory } from './scan-memory.ts'
import type { Digest } from '../util/digest.ts'
import type { Scanned, ScanMemory } from './scan-memory.ts'

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

export interface Scan {
  /** Content digest: sorted (path, size, sha256). An unreadable file counts by its name. */
  readonly digest: Digest
  /** How many files were opened. */
  readonly read: number
  /** In the order of the paths given. */
  readonly files: () => Scanned[]
}

/**
 * Looks through every file (sha256 and `checkPicture` of one read). A file whose device, inode, size and times are
 * as remembered is not opened. Files that cannot be read get a problem, never an error. The paths must differ.
 * Throws `signal.reason` when aborted.
 */
export async function scanFiles(
  root: string,
  paths: readonly string[],
  options: ScanOptions,
): Promise<Scan> {
  const { signal } = options
  const stamps = await stampAll(root, paths, signal)
  const memory = options.memory === undefined ? undefined : await loadMemory(options.memory)
  if (memory?.stamps.equals(stamps) === true && memory.key.equals(pathsKey(paths))) {
    const files = () => paths.map((_, i) => memory.scanned(i))
    return { digest: memory.digest, read: 0, files }
  }
  const files: (Scanned | undefined)[] = remembered(memory, paths, stamps)
  const unread = paths.flatMap((_, i) => (files[i] === undefined ? [i] : []))
  const now = options.now ?? Date.now
  const limit = pLimit(2 * availableParallelism())
  let done = 0
  await Promise.all(
    unread.map((i) =>
      limit(async () => {
        signal.throwIfAborted()
        const stamp = stamps.subarray(i * STAMP, (i + 1) * STAMP)
        const started = now()
        files[i] = await lookAt(`${root}/${paths[i]!}`, paths[i]!, stamp)
        if (!isTrusted(stamp, files[i], started)) stamp.fill(255)
        done += 1
        options.progress?.(done, unread.length)
      }),
    ),
  )
  const seen = files as Scanned[]
  const digest = digestOfScan(seen)
  if (options.memory !== undefined) {
    await storeMemory(options.memory, encode(digest, stamps, seen))
  }
  return { digest, read: unread.length, files: () => seen }
}

function digestOfScan(scanned: readonly Scanned[]): Digest {
  const lines = scanned.map((s) => `${s.path}\0${s.bytes}\0${s.sha256}\n`).sort(byCodeUnit)
  return digestOf(lines.join(''))
}

/** Rows of zeros where there is no such file. Synchronous stats: through the thread pool they cost more. */
async function stampAll(
  root: string,
  paths: readonly string[],
  signal: AbortSignal,
): Promise<Buffer> {
  const words = new BigUint64Array((paths.length * STAMP) / 8)
  for (let i = 0; i < paths.length; i += 1) {
    if (i % STRIDE === 0) {
      await new Promise((resolve) => setImmediate(resolve))
      signal.throwIfAborted()
    }
    try {
      const stat = statSync(`${root}/${paths[i]!}`, { bigint: true })
      words[i * 5] = stat.dev
      words[i * 5 + 1] = stat.ino
      words[i * 5 + 2] = stat.size
      words[i * 5 + 3] = stat.mtimeNs
      words[i * 5 + 4] = stat.ctimeNs
    } catch {
      words[i * 5 + 2] = 0n
    }
  }
  return Buffer.from(words.buffer)
}

function remembered(
  memory: ScanMemory | undefined,
  paths: readonly string[],
  stamps: Buffer,
): (Scanned | undefined)[] {
  if (memory === undefined) return paths.map(() => undefined)
  const rows = new Map(
    memory.key
      .toString()
      .split('\0')
      .map((path, i) => [path, i]),
  )
  return paths.map((path, i) => {
    const row = rows.get(path)
    if (row === undefined) return undefined
    const old = memory.stamps.subarray(row * STAMP, (row + 1) * STAMP)
    return old.equals(stamps.subarray(i * STAMP, (i + 1) * STAMP)) ? memory.scanned(row) : undefined
  })
}

/** Whether an unchanged stamp will mean unchanged bytes: not for a file that changed as it was being read. */
function isTrusted(stamp: Buffer, scanned: Scanned | undefined, started: number): boolean {
  if (scanned === undefined || scanned.sha256 === '') return false
  if (stamp.readBigUInt64LE(16) !== BigInt(scanned.bytes)) return false
  const before = BigInt(Math.trunc(started) - RACY_MS) * 1_000_000n
  return stamp.readBigInt64LE(24) < before && stamp.readBigInt64LE(32) < before
}

async function lookAt(absolute: string, path: string, stamp: Buffer): Promise<Scanned> {
  const size = Number(stamp.readBigUInt64LE(16))
  const bad = (problem: string): Scanned => ({ path, bytes: size, sha256: '', check: { problem } })
  if (stamp.every((byte) => byte === 0)) {
    return bad(path.includes('\ufffd') ? 'its name is not UTF-8' : MISSING)
  }
  if (size > MAX_BYTES) return bad(`${size} bytes, more than ${MAX_BYTES}`)
  try {
    const { checkPicture } = await import('./formats/table.ts')
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

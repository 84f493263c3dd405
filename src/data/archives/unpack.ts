import { open, stat } from 'node:fs/promises'
import { failure } from '../../util/diagnostic.ts'
import { createTarget, LIMITS } from './target.ts'
import type { ArchiveLimits } from './target.ts'

export interface UnpackOptions {
  readonly signal: AbortSignal
  /** Bytes of the archive. */
  readonly progress?: ((done: number, total: number) => void) | undefined
  readonly limits?: Partial<ArchiveLimits> | undefined
  /** Leading folders to leave out of every path: 1 for an npm package, whose files lie in `package/`. */
  readonly strip?: number | undefined
  /** What to call the archive in messages; default: its path. */
  readonly name?: string | undefined
}

export type ArchiveKind = 'zip' | 'tar' | 'tar.gz'

/** By the first bytes, not by the name; undefined for what is no archive that we unpack. A wheel is a zip. */
export async function archiveKind(path: string): Promise<ArchiveKind | undefined> {
  const file = await open(path, 'r')
  try {
    const head = Buffer.alloc(512)
    await file.read(head, 0, head.length, 0)
    const magic = head.toString('latin1', 0, 4)
    if (magic === 'PK\x03\x04' || magic === 'PK\x05\x06') return 'zip'
    if (magic.startsWith('\x1f\x8b')) return 'tar.gz'
    if (head.toString('latin1', 257, 262) === 'ustar' || hasTarChecksum(head)) return 'tar'
    return undefined
  } finally {
    await file.close()
  }
}

/**
 * Unpacks zip (and wheel), tar and tar.gz into the folder, which must be empty. Only files and folders below it
 * are ever written. Throws UNSAFE_ARCHIVE for an entry that leads out, is a link or device, clashes with another, or
 * for more than the limits allow; BAD_ARCHIVE for what is damaged or no archive; `signal.reason` when aborted.
 * After an error the folder's content is of no use.
 */
export async function unpackArchive(
  archive: string,
  folder: string,
  options: UnpackOptions,
): Promise<{ readonly files: number }> {
  const kind = await archiveKind(archive)
  const { size } = await stat(archive)
  if (kind === undefined) throw notAnArchive(options.name ?? archive, await describeFile(archive))
  const target = createTarget(folder, size, { ...LIMITS, ...options.limits }, options.strip ?? 0)
  await target.folder('')
  // Each reader brings its own library; only the one that is needed is loaded.
  if (kind === 'zip') {
    const { unpackZip } = await import('./zip.ts')
    await unpackZip(archive, target, options)
  } else {
    const { unpackTar } = await import('./tar.ts')
    await unpackTar(archive, target, { ...options, gzip: kind === 'tar.gz', size })
  }
  if (target.files() === 0) {
    throw failure('BAD_ARCHIVE', `${options.name ?? archive} holds no files`, {
      hint: 'check what names it',
    })
  }
  return { files: target.files() }
}

/** Tars from before POSIX have no magic, but the header's checksum: the sum of its bytes, itself taken as blanks. */
function hasTarChecksum(head: Buffer): boolean {
  const stored = Number.parseInt(head.toString('latin1', 148, 156).replaceAll('\0', ' ').trim(), 8)
  let sum = 0
  for (let i = 0; i < 512; i += 1) sum += i >= 148 && i < 156 ? 32 : head[i]!
  return stored === sum && head[0] !== 0
}

const OTHERS: readonly (readonly [string, string])[] = [
  ['425a68', 'a bzip2 file'],
  ['fd377a585a00', 'an xz file'],
  ['28b52ffd', 'a zstd file'],
  ['377abcaf271c', 'a 7z archive'],
  ['526172211a07', 'a RAR archive'],
]

/** What a file that is no archive is, by its first bytes: `a web page (HTML)`. */
export async function describeFile(path: string): Promise<string> {
  const file = await open(path, 'r')
  try {
    const { buffer, bytesRead } = await file.read(Buffer.alloc(64), 0, 64, 0)
    if (bytesRead === 0) return 'an empty file'
    const hex = buffer.toString('hex')
    const other = OTHERS.find(([magic]) => hex.startsWith(magic))
    if (other !== undefined) return other[1]
    const text = buffer.toString('latin1').trimStart().toLowerCase()
    if (text.startsWith('<!doctype') || text.startsWith('<html')) return 'a web page (HTML)'
    return `a file that begins with ${hex.slice(0, 8)}`
  } finally {
    await file.close()
  }
}

function notAnArchive(name: string, what: string) {
  return failure('BAD_ARCHIVE', `${name} is ${what}, not a zip, tar or tar.gz archive`, {
    hint: 'check the address or path that names it, or pack it anew as zip or tar.gz',
  })
}

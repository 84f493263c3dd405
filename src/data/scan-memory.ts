import { createHash } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import { writeFileAtomic } from '../util/files.ts'
import { CHECK_VERSION } from './formats/table.ts'
import type { Digest } from '../util/digest.ts'
import type { PictureCheck, PictureFormat } from './formats/format.ts'

export interface Scanned {
  /** As given to `scanFiles`, POSIX. */
  readonly path: string
  readonly bytes: number
  /** 64 hex digits; empty when the file could not be read. */
  readonly sha256: string
  readonly check: PictureCheck
}

/**
 * What the last scan saw, in columns, so that 20,000 pictures are compared by two `equals` of buffers. A row of
 * `stamps` is (device, inode, size, time of modification, time of change) in 40 bytes; all ones for a file whose
 * stamp is not to be trusted.
 */
export interface ScanMemory {
  readonly digest: Digest
  /** The paths as `pathsKey` writes them. */
  readonly key: Buffer
  readonly stamps: Buffer
  /** Of row i; only good where `stamps` says so. */
  readonly scanned: (i: number) => Scanned
}

export const STAMP = 40
const MAGIC = Buffer.from(`graftscan${String(CHECK_VERSION).padStart(3, '0')}\0\0\0\0`)
const FORMAT_CODES: readonly PictureFormat[] = ['jpeg', 'png', 'webp', 'gif', 'bmp', 'tiff']
/** Size, width, height, format code, sha256. */
const ROW = 8 + 4 + 4 + 1 + 32
const HEAD = MAGIC.length + 12

export function pathsKey(paths: readonly string[]): Buffer {
  return Buffer.from(paths.join('\0'))
}

/** Undefined when there is none, or a damaged or older one. */
export async function loadMemory(path: string): Promise<ScanMemory | undefined> {
  try {
    return decode(await readFile(path))
  } catch {
    return undefined
  }
}

/** Not being able to remember is no failure: the next scan only takes longer. */
export async function storeMemory(path: string, memory: Buffer): Promise<void> {
  try {
    await writeFileAtomic(path, memory)
  } catch {
    return
  }
}

/** Head (magic, count, bytes of key and text), stamps, rows, key, text (JSON: digest, problems), sha256 of it all. */
export function encode(digest: Digest, stamps: Buffer, scanned: readonly Scanned[]): Buffer {
  const n = scanned.length
  const problems: Record<string, string> = {}
  const rows = Buffer.alloc(n * ROW)
  scanned.forEach(({ bytes, check, sha256 }, i) => {
    const at = i * ROW
    if ('problem' in check) problems[i] = check.problem
    rows.writeDoubleLE(bytes, at)
    rows.writeUInt32LE('format' in check ? check.width : 0, at + 8)
    rows.writeUInt32LE('format' in check ? check.height : 0, at + 12)
    rows.writeUInt8('format' in check ? FORMAT_CODES.indexOf(check.format) : 255, at + 16)
    rows.write(sha256, at + 17, 'hex')
  })
  const key = pathsKey(scanned.map((s) => s.path))
  const text = Buffer.from(JSON.stringify({ digest, problems }))
  const head = Buffer.alloc(HEAD)
  MAGIC.copy(head)
  head.writeUInt32LE(n, MAGIC.length)
  head.writeUInt32LE(key.length, MAGIC.length + 4)
  head.writeUInt32LE(text.length, MAGIC.length + 8)
  const body = Buffer.concat([head, stamps, rows, key, text])
  return Buffer.concat([body, createHash('sha256').update(body).digest()])
}

export function decode(file: Buffer): ScanMemory | undefined {
  if (file.length < HEAD + 32 || !file.subarray(0, MAGIC.length).equals(MAGIC)) return undefined
  const body = file.subarray(0, -32)
  if (!createHash('sha256').update(body).digest().equals(file.subarray(-32))) return undefined
  const n = file.readUInt32LE(MAGIC.length)
  const keyLength = file.readUInt32LE(MAGIC.length + 4)
  const stamps = file.subarray(HEAD, HEAD + n * STAMP)
  const rows = file.subarray(HEAD + n * STAMP, HEAD + n * (STAMP + ROW))
  const key = body.subarray(HEAD + n * (STAMP + ROW)).subarray(0, keyLength)
  const { digest, problems } = JSON.parse(
    body.toString('utf8', HEAD + n * (STAMP + ROW) + keyLength),
  ) as { digest: Digest; problems: Record<string, string> }
  let paths: string[] | undefined
  const scanned = (i: number): Scanned => {
    paths ??= key.toString().split('\0')
    const at = i * ROW
    const format = FORMAT_CODES[rows[at + 16]!]
    const width = rows.readUInt32LE(at + 8)
    const height = rows.readUInt32LE(at + 12)
    return {
      path: paths[i]!,
      bytes: rows.readDoubleLE(at),
      sha256: rows.toString('hex', at + 17, at + ROW),
      check:
        format === undefined ? { problem: problems[i] ?? 'unknown' } : { format, width, height },
    }
  }
  return { digest, key, stamps, scanned }
}

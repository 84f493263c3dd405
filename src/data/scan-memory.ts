import { createHash } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import { writeFileAtomic } from '../util/files.ts'
import { CHECK_VERSION } from './formats/table.ts'
import type { PictureCheck, PictureFormat } from './formats/format.ts'

/** What identifies one state of a file without reading it. */
export interface FileStamp {
  readonly dev: bigint
  readonly ino: bigint
  readonly size: bigint
  readonly mtimeNs: bigint
  readonly ctimeNs: bigint
}

export interface Scanned {
  /** As given to `scanFiles`, POSIX. */
  readonly path: string
  readonly bytes: number
  /** 64 hex digits; empty when the file could not be read. */
  readonly sha256: string
  readonly check: PictureCheck
}

export interface MemoryRecord {
  readonly stamp: FileStamp
  readonly scanned: Scanned
}

/**
 * The file: magic, count, length of the text part, then columns (five 64-bit stamps, width, height, format,
 * sha256), the text (JSON: paths, problems) and a sha256 over all of it. Columns load in a few milliseconds
 * for 20,000 pictures; a damaged or older file is simply not used.
 */
const MAGIC = Buffer.from(`graftscan${String(CHECK_VERSION).padStart(3, '0')}\0\0\0\0`)
const FORMAT_CODES: readonly PictureFormat[] = ['jpeg', 'png', 'webp', 'gif', 'bmp', 'tiff']
const RECORD = 5 * 8 + 2 * 4 + 1 + 32
const HEAD = MAGIC.length + 8

export async function loadMemory(path: string): Promise<ReadonlyMap<string, MemoryRecord>> {
  let file: Buffer
  try {
    file = await readFile(path)
  } catch {
    return new Map()
  }
  return decode(file) ?? new Map()
}

/** Not being able to remember is no failure: the next scan only takes longer. */
export async function storeMemory(path: string, records: readonly MemoryRecord[]): Promise<void> {
  try {
    await writeFileAtomic(path, encode(records))
  } catch {
    return
  }
}

export function encode(records: readonly MemoryRecord[]): Buffer {
  const n = records.length
  const problems: Record<string, string> = {}
  records.forEach(({ scanned }, i) => {
    if ('problem' in scanned.check) problems[i] = scanned.check.problem
  })
  const text = Buffer.from(JSON.stringify({ paths: records.map((r) => r.scanned.path), problems }))
  const file = Buffer.alloc(HEAD + n * RECORD + text.length + 32)
  MAGIC.copy(file)
  file.writeUInt32LE(n, MAGIC.length)
  file.writeUInt32LE(text.length, MAGIC.length + 4)
  records.forEach(({ stamp, scanned }, i) => {
    let at = HEAD + i * RECORD
    for (const value of [stamp.dev, stamp.ino, stamp.size, stamp.mtimeNs, stamp.ctimeNs]) {
      at = file.writeBigUInt64LE(BigInt.asUintN(64, value), at)
    }
    const { check } = scanned
    const good = 'format' in check
    at = file.writeUInt32LE(good ? check.width : 0, at)
    at = file.writeUInt32LE(good ? check.height : 0, at)
    at = file.writeUInt8(good ? FORMAT_CODES.indexOf(check.format) : 255, at)
    file.write(scanned.sha256, at, 'hex')
  })
  text.copy(file, HEAD + n * RECORD)
  createHash('sha256')
    .update(file.subarray(0, -32))
    .digest()
    .copy(file, file.length - 32)
  return file
}

export function decode(file: Buffer): Map<string, MemoryRecord> | undefined {
  if (file.length < HEAD + 32 || !file.subarray(0, MAGIC.length).equals(MAGIC)) return undefined
  const body = file.subarray(0, -32)
  if (!createHash('sha256').update(body).digest().equals(file.subarray(-32))) return undefined
  const n = file.readUInt32LE(MAGIC.length)
  const start = HEAD + n * RECORD
  const text = JSON.parse(body.toString('utf8', start)) as {
    paths: string[]
    problems: Record<string, string>
  }
  const records = new Map<string, MemoryRecord>()
  for (let i = 0; i < n; i += 1) {
    const at = HEAD + i * RECORD
    const path = text.paths[i]!
    const problem = text.problems[i]
    const format = FORMAT_CODES[file[at + 48]!]
    const check: PictureCheck =
      problem !== undefined || format === undefined
        ? { problem: problem ?? 'unknown' }
        : { format, width: file.readUInt32LE(at + 40), height: file.readUInt32LE(at + 44) }
    const stamp: FileStamp = {
      dev: file.readBigUInt64LE(at),
      ino: file.readBigUInt64LE(at + 8),
      size: file.readBigUInt64LE(at + 16),
      mtimeNs: file.readBigUInt64LE(at + 24),
      ctimeNs: file.readBigUInt64LE(at + 32),
    }
    const sha256 = file.toString('hex', at + 49, at + 81)
    records.set(path, {
      stamp,
      scanned: { path, bytes: Number(stamp.size), sha256, check },
    })
  }
  return records
}

/** Negative times (before 1970) wrap, in the file and here alike. */
export function sameStamp(a: FileStamp, b: FileStamp): boolean {
  return (
    a.ino === b.ino &&
    a.size === b.size &&
    a.mtimeNs === b.mtimeNs &&
    a.ctimeNs === b.ctimeNs &&
    a.dev === b.dev
  )
}

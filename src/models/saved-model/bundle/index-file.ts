import { readFile, stat } from 'node:fs/promises'
import { failure, type PipelineError } from '../../../util/diagnostic.ts'
import { isErrno } from '../../../util/files.ts'
import { readEntry, readHeader, type StoredEntry } from './entries.ts'
import { isSliceKey } from './slice-key.ts'
import { readTable } from './table.ts'
import { BUNDLE_TYPES } from './types.ts'
import { WireError } from './wire.ts'

/** An index is small: some 100 bytes a variable. */
const MAX_INDEX = 256 * 2 ** 20

/** Rows by their keys' bytes (latin1), the header left out. */
export async function readIndex(prefix: string): Promise<{
  readonly shards: number
  readonly stored: ReadonlyMap<string, StoredEntry>
}> {
  const path = `${prefix}.index`
  const bytes = await indexBytes(path)
  let key = ''
  try {
    const [header, ...rows] = readTable(bytes)
    if (header?.[0] !== '') throw new WireError('it has no header')
    const { shards } = readHeader(header[1])
    const stored = new Map<string, StoredEntry>()
    for (const row of rows) {
      key = row[0]
      stored.set(key, readEntry(row[1]))
    }
    return { shards, stored }
  } catch (error) {
    if (!(error instanceof WireError)) throw error
    throw damagedIndex(path, key === '' ? error.message : `${nameOf(key)}: ${error.message}`, error)
  }
}

function damagedIndex(path: string, what: string, cause?: unknown): PipelineError {
  return failure(
    'BAD_WEIGHTS',
    `${path} is not the index of a checkpoint, or is damaged: ${what}`,
    {
      hint: 'copy or download the whole model again: the .index file and every .data file beside it',
      cause,
    },
  )
}

async function indexBytes(path: string): Promise<Uint8Array> {
  try {
    const { size } = await stat(path)
    if (size > MAX_INDEX) throw damagedIndex(path, `it has ${size} bytes`)
    return await readFile(path)
  } catch (error) {
    if (!isErrno(error, 'ENOENT', 'EACCES', 'ENOTDIR', 'EISDIR')) throw error
    throw failure('BAD_WEIGHTS', `cannot read ${path}`, {
      hint: 'a checkpoint is a .index file and its .data files; name it without these endings',
      cause: error,
    })
  }
}

/** Every tensor fills its bytes of a file that is there, and no others' bytes. */
export async function checkPlaces(
  prefix: string,
  shards: number,
  stored: ReadonlyMap<string, StoredEntry>,
): Promise<void> {
  const path = `${prefix}.index`
  const byShard = new Map<number, [string, StoredEntry][]>()
  for (const [key, entry] of stored) {
    const bad = (what: string) => damagedIndex(path, `${nameOf(key)} ${what}`)
    if (entry.slices.length > 0) continue
    if (entry.shard < 0 || entry.shard >= shards)
      throw bad(`is in file ${entry.shard} of ${shards}`)
    if (entry.offset < 0 || entry.size < 0) {
      throw bad(`is ${entry.size} bytes at ${entry.offset}`)
    }
    const type = BUNDLE_TYPES[entry.dtype]
    const needed = type && entry.shape.reduce((product, n) => product * n, type.bytes)
    if (needed !== undefined && needed !== entry.size) {
      throw bad(`of [${entry.shape}] ${type!.name} has ${entry.size} bytes`)
    }
    const list = byShard.get(entry.shard)
    if (list) list.push([key, entry])
    else byShard.set(entry.shard, [[key, entry]])
  }
  for (const [shard, list] of byShard) {
    const file = shardFile(prefix, shard, shards)
    const size = await sizeOf(file)
    list.sort(([, a], [, b]) => a.offset - b.offset || a.size - b.size)
    let end = 0
    for (const [key, entry] of list) {
      if (entry.offset + entry.size > size) {
        const message = `${file} has ${size} bytes, and ${nameOf(key)} is ${entry.size} bytes at ${entry.offset}`
        throw failure('BAD_WEIGHTS', message, { hint: 'copy or download the whole model again' })
      }
      if (entry.size > 0 && entry.offset < end) {
        throw damagedIndex(path, `${nameOf(key)} lies on bytes of another tensor`)
      }
      end = Math.max(end, entry.offset + entry.size)
    }
  }
}

async function sizeOf(file: string): Promise<number> {
  try {
    return (await stat(file)).size
  } catch (error) {
    throw failure('BAD_WEIGHTS', `cannot read ${file}`, {
      hint: 'the .index file and every .data file of a model belong together',
      cause: error,
    })
  }
}

export function shardFile(prefix: string, shard: number, shards: number): string {
  const digits = (n: number) => String(n).padStart(5, '0')
  return `${prefix}.data-${digits(shard)}-of-${digits(shards)}`
}

/** How the index has the name of a tensor: its UTF-8 bytes, as latin1 text, which sorts as they do. */
export function keyOf(name: string): string {
  return Buffer.from(name).toString('latin1')
}

/** The other way round; of a slice, the name of its variable. */
export function nameOf(key: string): string {
  const utf8 = (text: string) => Buffer.from(text, 'latin1').toString()
  return isSliceKey(key)
    ? `a slice of ${utf8(key.slice(1, key.indexOf('\0\u0001', 1)))}`
    : utf8(key)
}

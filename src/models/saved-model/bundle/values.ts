import { open } from 'node:fs/promises'
import { failure } from '../../../util/diagnostic.ts'
import { crc32c, maskCrc } from '../../../util/crc32c.ts'
import { Cursor, WireError } from './wire.ts'
import type { StoredEntry } from './entries.ts'

/** The event loop goes on between pieces while checksums are taken (and Node takes less than 2 GiB at once). */
const PIECE = 16 * 2 ** 20

/**
 * The bytes of one tensor of numbers, checked. The caller has seen that they lie in the file. Throws BAD_WEIGHTS that
 * names file and key.
 */
export async function readValues(
  file: string,
  key: string,
  entry: StoredEntry,
): Promise<ArrayBuffer> {
  let crc = 0
  const bytes = await readRange(file, key, entry, (piece) => {
    crc = crc32c(piece, crc)
  })
  if (maskCrc(crc) !== entry.crc) throw wrongSum(file, key)
  return bytes.buffer
}

/**
 * Of a tensor of strings: their lengths as varints, a checksum of the lengths, the strings one after the other. Both
 * checksums count every length as a fixed 32-bit number (64 from 4 GiB on). Source: ReadStringTensor of tensor_bundle.cc.
 */
export async function readStringsOf(
  file: string,
  key: string,
  entry: StoredEntry,
): Promise<readonly Uint8Array[]> {
  const count = entry.shape.reduce((product, n) => product * n, 1)
  const bad = (what: string) => failure('BAD_WEIGHTS', `${file}: ${key} ${what}`)
  if (count > entry.size) throw bad(`of [${entry.shape}] strings has ${entry.size} bytes`)
  const cursor = new Cursor(await readRange(file, key, entry))
  const lengths: number[] = []
  const fixed = Buffer.alloc(4)
  let crc = 0
  try {
    for (let i = 0; i < count; i += 1) {
      const length = cursor.varint()
      if (length < 0 || length > entry.size) throw bad(`has a string of ${length} bytes`)
      lengths.push(length)
      fixed.writeUInt32LE(length)
      crc = crc32c(fixed, crc)
    }
    const stored = cursor.fixed32()
    if (maskCrc(crc) !== stored) throw wrongSum(file, key)
    fixed.writeUInt32LE(stored)
    crc = crc32c(fixed, crc)
    const strings = lengths.map((length) => cursor.take(length))
    for (const string of strings) crc = crc32c(string, crc)
    if (maskCrc(crc) !== entry.crc) throw wrongSum(file, key)
    return strings
  } catch (error) {
    if (error instanceof WireError) throw bad(`is damaged: ${error.message}`)
    throw error
  }
}

async function readRange(
  path: string,
  key: string,
  { offset, size }: StoredEntry,
  each?: (piece: Uint8Array) => void,
): Promise<Uint8Array<ArrayBuffer>> {
  const bytes = new Uint8Array(size)
  const file = await open(path, 'r').catch((error: unknown) => {
    throw failure('BAD_WEIGHTS', `cannot read ${path}`, { cause: error })
  })
  try {
    for (let done = 0; done < size;) {
      const count = Math.min(size - done, PIECE)
      const { bytesRead } = await file.read(bytes, done, count, offset + done)
      if (bytesRead === 0) {
        throw failure('BAD_WEIGHTS', `${path} became shorter while ${key} was read`)
      }
      each?.(bytes.subarray(done, done + bytesRead))
      done += bytesRead
    }
  } finally {
    await file.close()
  }
  return bytes
}

function wrongSum(file: string, key: string) {
  return failure('BAD_WEIGHTS', `${file}: the values of ${key} do not have their checksum`, {
    hint: 'the file was damaged on its way or on the disk: copy or download it again',
  })
}

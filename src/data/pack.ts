import { readSync } from 'node:fs'
import { open, readFile, type FileHandle } from 'node:fs/promises'
import { endianness } from 'node:os'
import { basename } from 'node:path'
import { failure } from '../util/diagnostic.ts'
import { diskError, isErrno, writeFileAtomic } from '../util/files.ts'
import { stableJson } from '../util/json.ts'
import { fromHalf, toHalf } from '../util/half.ts'

/**
 * A pack is one file of equal rows, raw and little-endian, with a JSON file of this form beside it:
 * `train.pack` and `train.json`. `numpy.fromfile(path, dtype).reshape(shape)` reads it.
 */
export interface PackIndex {
  /** float16 is written from and read into float32. */
  readonly dtype: 'uint8' | 'float32' | 'float16'
  /** Rows first, then the shape of one row: `[pictures, height, width, channels]`. */
  readonly shape: readonly number[]
  readonly byteOrder: 'little'
}

export type PackData = Uint8Array | Float32Array

export interface PackWriter {
  readonly index: PackIndex
  /** Writes one row, or several that follow each other, starting at `row`; in any order, also at the same time. */
  write(row: number, data: PackData): Promise<void>
  /** Marks rows that another process wrote into the same file. */
  wrote(row: number, count?: number): void
  /** Makes the pack durable and writes its index. Throws if a row was never written. */
  finish(): Promise<void>
  /** Lets go of the file without finishing it; harmless after `finish`. */
  close(): Promise<void>
}

export interface PackReader {
  readonly index: PackIndex
  readonly count: number
  /** Elements of one row. */
  readonly width: number
  /** The rows `start` to `start + count - 1`, one after another. */
  rows(start: number, count: number): Promise<PackData>
  /** Any rows in any order, also one twice, into `into` (from its beginning) or a new array. */
  gather(rows: readonly number[] | Uint32Array, into?: PackData): Promise<PackData>
  close(): Promise<void>
}

/** The most that one read or write asks of the system: Node refuses 2 GiB and more. */
const CHUNK = 1 << 28
const BYTES = { uint8: 1, float32: 4, float16: 2 } as const
/** Rows up to this size are gathered by plain reads: cheaper than a trip through the thread pool. */
const SMALL = 1 << 16

/** `path` may be given with or without `.pack`. Memory does not depend on the number of rows but for a bit each. */
export async function createPack(path: string, index: PackIndex): Promise<PackWriter> {
  littleEndianOnly()
  const { pack, json } = names(path)
  const { count, rowBytes } = sizes(index)
  const file = await open(pack, 'wx').catch((error: unknown) => {
    throw diskError(error, pack)
  })
  const written = new Uint8Array(Math.ceil(count / 8))
  let closed = false
  const wrote = (row: number, rows = 1): void => {
    for (let i = row; i < row + rows; i += 1) written[i >> 3]! |= 1 << (i & 7)
  }
  const write = async (row: number, data: PackData): Promise<void> => {
    checkType(index, data)
    const bytes = stored(index, data)
    const rows = bytes.length / rowBytes
    if (!Number.isInteger(rows) || row < 0 || row + rows > count) {
      throw new RangeError(`${bytes.length} bytes do not fit row ${row} of ${basename(pack)}`)
    }
    await writeAll(file, bytes, row * rowBytes).catch((error: unknown) => {
      throw diskError(error, pack)
    })
    wrote(row, rows)
  }
  const close = async (): Promise<void> => {
    if (closed) return
    closed = true
    await file.close()
  }
  const finish = async (): Promise<void> => {
    for (let row = 0; row < count; row += 1) {
      if (!((written[row >> 3]! >> (row & 7)) & 1)) {
        throw new Error(`row ${row} of ${basename(pack)} was never written`)
      }
    }
    try {
      await file.sync()
    } catch (error) {
      throw diskError(error, pack)
    } finally {
      await close()
    }
    await writeFileAtomic(json, stableJson({ ...index, shape: [...index.shape] }))
  }
  return { index, write, wrote, finish, close }
}

/** Checks the size of the file against the index. Throws STORE_DAMAGED. */
export async function openPack(path: string): Promise<PackReader> {
  littleEndianOnly()
  const { pack, json } = names(path)
  const index = await readIndex(json)
  const { count, rowBytes, width } = sizes(index)
  const file = await open(pack, 'r').catch((error: unknown) => {
    if (isErrno(error, 'ENOENT')) throw damaged(pack, 'it is missing', error)
    throw error
  })
  const { size } = await file.stat()
  if (size !== count * rowBytes) {
    await file.close()
    throw damaged(pack, `it has ${size} bytes; its index says ${count * rowBytes}`)
  }
  const make = (rows: number): PackData =>
    index.dtype === 'uint8' ? new Uint8Array(rows * width) : new Float32Array(rows * width)
  const readRun = async (target: Uint8Array, row: number): Promise<void> => {
    if (target.length <= SMALL) readAllSync(file, target, row * rowBytes, pack)
    else await readAll(file, target, row * rowBytes, pack)
  }
  const check = (row: number): void => {
    if (!Number.isInteger(row) || row < 0 || row >= count) {
      throw new RangeError(`row ${row} of ${basename(pack)}, which has ${count}`)
    }
  }
  const gather = async (
    rows: readonly number[] | Uint32Array,
    into?: PackData,
  ): Promise<PackData> => {
    const out = into ?? make(rows.length)
    checkType(index, out)
    if (out.length < rows.length * width) {
      throw new RangeError(`room for ${out.length} values, need ${rows.length * width}`)
    }
    const halves = index.dtype === 'float16' ? new Uint16Array(rows.length * width) : undefined
    const bytes = bytesOf(halves ?? out)
    const reads: Promise<void>[] = []
    for (let i = 0; i < rows.length;) {
      check(rows[i]!)
      let end = i + 1
      // Rows that follow each other in the file are read at one go.
      while (end < rows.length && rows[end] === rows[end - 1]! + 1) end += 1
      check(rows[end - 1]!)
      reads.push(readRun(bytes.subarray(i * rowBytes, end * rowBytes), rows[i]!))
      i = end
    }
    await Promise.all(reads)
    if (halves) fromHalf(halves, out as Float32Array)
    return out
  }
  return {
    index,
    count,
    width,
    rows(start, rows) {
      return gather(Uint32Array.from({ length: rows }, (_, i) => start + i))
    },
    gather,
    close: () => file.close(),
  }
}

function names(path: string): { pack: string; json: string } {
  const stem = path.endsWith('.pack') ? path.slice(0, -5) : path
  return { pack: `${stem}.pack`, json: `${stem}.json` }
}

function sizes(index: PackIndex): { count: number; width: number; rowBytes: number } {
  const [count = 0, ...item] = index.shape
  const width = item.reduce((product, n) => product * n, 1)
  return { count, width, rowBytes: width * BYTES[index.dtype] }
}

async function readIndex(path: string): Promise<PackIndex> {
  let index: PackIndex
  try {
    index = JSON.parse(await readFile(path, 'utf8')) as PackIndex
  } catch (error) {
    throw damaged(path, 'it is missing or no JSON', error)
  }
  const known = Object.hasOwn(BYTES, index.dtype)
  const shaped =
    Array.isArray(index.shape) && index.shape.every((n) => Number.isSafeInteger(n) && n >= 0)
  if (!known || !shaped || index.byteOrder !== 'little') {
    throw damaged(path, 'it is not the index of a pack')
  }
  return index
}

async function writeAll(file: FileHandle, bytes: Uint8Array, position: number): Promise<void> {
  for (let done = 0; done < bytes.length;) {
    const length = Math.min(CHUNK, bytes.length - done)
    done += (await file.write(bytes, done, length, position + done)).bytesWritten
  }
}

async function readAll(
  file: FileHandle,
  bytes: Uint8Array,
  position: number,
  path: string,
): Promise<void> {
  for (let done = 0; done < bytes.length;) {
    const length = Math.min(CHUNK, bytes.length - done)
    const { bytesRead } = await file.read(bytes, done, length, position + done)
    if (bytesRead === 0) throw damaged(path, 'it became shorter while it was read')
    done += bytesRead
  }
}

function readAllSync(file: FileHandle, bytes: Uint8Array, position: number, path: string): void {
  for (let done = 0; done < bytes.length;) {
    const read = readSync(file.fd, bytes, done, bytes.length - done, position + done)
    if (read === 0) throw damaged(path, 'it became shorter while it was read')
    done += read
  }
}

/** The bytes as they stand in the file. Throws NOT_FINITE for a number that only float16 makes infinite. */
function stored(index: PackIndex, data: PackData): Uint8Array {
  if (index.dtype !== 'float16') return bytesOf(data)
  const halves = toHalf(data as Float32Array, new Uint16Array(data.length))
  const i = halves.findIndex((half, at) => (half & 0x7fff) === 0x7c00 && isFinite(data[at]!))
  if (i >= 0) {
    throw failure('NOT_FINITE', `${data[i]} is too large for float16, which ends at 65,504`, {
      hint: 'write features.dtype: float32',
    })
  }
  return bytesOf(halves)
}

function bytesOf(data: PackData | Uint16Array): Uint8Array {
  return data instanceof Uint8Array
    ? data
    : new Uint8Array(data.buffer, data.byteOffset, data.byteLength)
}

function checkType(index: PackIndex, data: PackData): void {
  if (data instanceof Uint8Array !== (index.dtype === 'uint8')) {
    throw new TypeError(`a pack of ${index.dtype}; got ${data.constructor.name}`)
  }
}

function damaged(path: string, what: string, cause?: unknown): Error {
  return failure('STORE_DAMAGED', `${path} is damaged: ${what}`, {
    hint: '`pipeline store verify` finds and removes damaged artifacts; the next run computes them again',
    cause,
  })
}

function littleEndianOnly(): void {
  if (endianness() !== 'LE') throw new Error('packs are read and written on little-endian machines')
}

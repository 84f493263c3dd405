import { open, type FileHandle } from 'node:fs/promises'
import { failure } from './diagnostic.ts'
import { byCodeUnit } from './json.ts'

export interface NamedTensor {
  readonly shape: readonly number[]
  readonly data: Float32Array
}

/**
 * Writes float32 tensors as safetensors (eight bytes of header length, a JSON header, then the values little-endian),
 * sorted by name so that equal tensors give equal bytes.
 */
export async function writeSafetensors(
  path: string,
  tensors: ReadonlyMap<string, NamedTensor>,
  metadata: Readonly<Record<string, string>> = {},
): Promise<void> {
  const header: Record<string, unknown> = {}
  if (Object.keys(metadata).length > 0) header['__metadata__'] = metadata
  const names = [...tensors.keys()].sort(byCodeUnit)
  let offset = 0
  for (const name of names) {
    const { shape, data } = tensors.get(name)!
    header[name] = { dtype: 'F32', shape, data_offsets: [offset, offset + data.byteLength] }
    offset += data.byteLength
  }
  let text = JSON.stringify(header)
  text += ' '.repeat((8 - (Buffer.byteLength(text) % 8)) % 8)
  const length = Buffer.alloc(8)
  length.writeBigUInt64LE(BigInt(Buffer.byteLength(text)))
  const file = await open(path, 'w')
  try {
    await writeAll(file, length)
    await writeAll(file, Buffer.from(text))
    for (const name of names) await writeAll(file, bytesOf(tensors.get(name)!.data))
    await file.sync()
  } finally {
    await file.close()
  }
}

/** Reads a safetensors file of F32 tensors, in the header's order. Throws BAD_WEIGHTS where the file is not one. */
export async function readSafetensors(path: string): Promise<Map<string, NamedTensor>> {
  return (await readSafetensorsFile(path)).tensors
}

/** The same with the strings of `__metadata__`. */
export async function readSafetensorsFile(path: string): Promise<{
  readonly tensors: Map<string, NamedTensor>
  readonly metadata: Readonly<Record<string, string>>
}> {
  const file = await open(path, 'r')
  try {
    return await readTensors(file, path)
  } finally {
    await file.close()
  }
}

type Header = Record<string, { dtype?: unknown; shape?: unknown; data_offsets?: unknown }>

const isRecord = (value: unknown): value is object => typeof value === 'object' && value !== null

function areSizes(value: unknown): value is number[] {
  return Array.isArray(value) && value.every((n) => Number.isSafeInteger(n) && (n as number) >= 0)
}

async function readTensors(file: FileHandle, path: string) {
  const bad = (what: string, cause?: unknown) =>
    failure('BAD_WEIGHTS', `${path} is not a safetensors file: ${what}`, { cause })
  const { size } = await file.stat()
  if (size < 8) throw bad(`it has ${size} bytes`)
  const head = Buffer.alloc(8)
  await readAll(file, head, 0)
  const length = Number(head.readBigUInt64LE(0))
  if (length > size - 8) throw bad(`its header should have ${length} bytes`)
  const text = Buffer.alloc(length)
  await readAll(file, text, 8)
  let header: Header
  try {
    header = JSON.parse(text.toString('utf8')) as Header
  } catch (error) {
    throw bad('its header is not JSON', error)
  }
  if (!isRecord(header)) throw bad('its header is no object')
  const tensors = new Map<string, NamedTensor>()
  let total = 0
  for (const [name, entry] of Object.entries(header)) {
    if (name === '__metadata__') continue
    const { dtype, shape, data_offsets: offsets } = isRecord(entry) ? entry : {}
    if (dtype !== 'F32') throw bad(`${name} is ${String(dtype)}, not F32`)
    if (!areSizes(shape) || !areSizes(offsets)) throw bad(`${name} has no shape or no place`)
    const start = 8 + length + offsets[0]!
    const bytes = shape.reduce((product, n) => product * n, 4)
    total += bytes
    // A damaged header may say anything: nothing is allocated before it fits, nor the same bytes twice.
    if (offsets[1]! - offsets[0]! !== bytes || start + bytes > size || total > size - 8 - length) {
      throw bad(`${name} of [${shape}] does not fit in bytes ${offsets[0]} to ${offsets[1]}`)
    }
    const data = new Float32Array(bytes / 4)
    await readAll(file, bytesOf(data), start)
    tensors.set(name, { shape, data })
  }
  const metadata = (header['__metadata__'] ?? {}) as unknown as Readonly<Record<string, string>>
  return { tensors, metadata }
}

function bytesOf({ buffer, byteOffset, byteLength }: Float32Array): Uint8Array {
  return new Uint8Array(buffer, byteOffset, byteLength)
}

/** A single write may write less than it was given, at the end of the disk above all. */
async function writeAll(file: FileHandle, bytes: Uint8Array): Promise<void> {
  for (let done = 0; done < bytes.length;) {
    const { bytesWritten } = await file.write(bytes, done, Math.min(bytes.length - done, PIECE))
    done += bytesWritten
  }
}

async function readAll(file: FileHandle, into: Uint8Array, start: number): Promise<void> {
  for (let done = 0; done < into.length;) {
    const count = Math.min(into.length - done, PIECE)
    const { bytesRead } = await file.read(into, done, count, start + done)
    if (bytesRead === 0) throw new Error('the file became shorter while it was read')
    done += bytesRead
  }
}

/** Node and Linux take less than 2 GiB at once. */
const PIECE = 2 ** 30

import { open, readFile } from 'node:fs/promises'
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
    await file.write(length)
    await file.write(Buffer.from(text))
    for (const name of names) {
      const { data } = tensors.get(name)!
      if (data.byteLength > 0) {
        await file.write(Buffer.from(data.buffer, data.byteOffset, data.byteLength))
      }
    }
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
  const bytes = await readFile(path)
  const bad = (what: string) => failure('BAD_WEIGHTS', `${path} is not a safetensors file: ${what}`)
  if (bytes.length < 8) throw bad(`it has ${bytes.length} bytes`)
  const length = Number(bytes.readBigUInt64LE(0))
  if (length > bytes.length - 8) throw bad(`its header should have ${length} bytes`)
  let header: Record<string, { dtype?: string; shape?: number[]; data_offsets?: [number, number] }>
  let metadata: Record<string, string> = {}
  try {
    header = JSON.parse(bytes.toString('utf8', 8, 8 + length)) as typeof header
  } catch (error) {
    throw failure('BAD_WEIGHTS', `${path} is not a safetensors file: its header is not JSON`, {
      cause: error,
    })
  }
  const tensors = new Map<string, NamedTensor>()
  for (const [name, { dtype, shape, data_offsets: offsets }] of Object.entries(header)) {
    if (name === '__metadata__') {
      metadata = header[name] as unknown as typeof metadata
      continue
    }
    if (dtype !== 'F32' || !shape || !offsets) throw bad(`${name} is ${dtype}, not F32`)
    const start = 8 + length + offsets[0]
    const size = shape.reduce((product, n) => product * n, 1) * 4
    if (offsets[1] - offsets[0] !== size || start + size > bytes.length) {
      throw bad(`${name} of [${shape}] does not fit in bytes ${offsets[0]} to ${offsets[1]}`)
    }
    // A copy: the values must be aligned, and must not keep the whole file alive.
    const copy = new ArrayBuffer(size)
    new Uint8Array(copy).set(bytes.subarray(start, start + size))
    tensors.set(name, { shape, data: new Float32Array(copy) })
  }
  return { tensors, metadata }
}

import { readFile } from 'node:fs/promises'
import { failure } from '../../util/diagnostic.ts'
import type { NamedTensor } from '../../util/safetensors.ts'
import { PersistentId, PickleCall, PickleGlobal, readPickle } from './pickle.ts'

/** How each storage class becomes float32; `undefined` entries of a state dict (counters) are converted too. */
const STORAGES: Readonly<
  Record<string, { bytes: number; read: (b: Buffer, at: number) => number }>
> = {
  'torch.FloatStorage': { bytes: 4, read: (b, at) => b.readFloatLE(at) },
  'torch.DoubleStorage': { bytes: 8, read: (b, at) => b.readDoubleLE(at) },
  'torch.HalfStorage': { bytes: 2, read: (b, at) => halfToFloat(b.readUInt16LE(at)) },
  'torch.BFloat16Storage': { bytes: 2, read: (b, at) => bfloatToFloat(b.readUInt16LE(at)) },
  'torch.LongStorage': { bytes: 8, read: (b, at) => Number(b.readBigInt64LE(at)) },
  'torch.IntStorage': { bytes: 4, read: (b, at) => b.readInt32LE(at) },
  'torch.ShortStorage': { bytes: 2, read: (b, at) => b.readInt16LE(at) },
  'torch.CharStorage': { bytes: 1, read: (b, at) => b.readInt8(at) },
  'torch.ByteStorage': { bytes: 1, read: (b, at) => b.readUInt8(at) },
  'torch.BoolStorage': { bytes: 1, read: (b, at) => b.readUInt8(at) },
}

const REBUILD = 'torch._utils._rebuild_tensor_v2'
const ALLOWED = new Set([
  'collections.OrderedDict',
  REBUILD,
  'torch._utils._rebuild_parameter',
  ...Object.keys(STORAGES),
])
const isAllowed = (name: string) => ALLOWED.has(name)

/**
 * Reads a PyTorch state dict by name, in the file's order, as float32 in PyTorch's own axis order. Both formats:
 * the legacy one (magic number, protocol, system info, the dict, the storage keys as five pickles, then for each key an
 * int64 count and raw values) and the zip one (`data.pkl` and `data/KEY`). A dict wrapped as `state_dict` or `model`
 * is unwrapped. No code of the file is executed. Throws BAD_WEIGHTS.
 */
export async function readPytorch(path: string): Promise<Map<string, NamedTensor>> {
  const bytes = await readFile(path).catch((error: unknown) => {
    throw failure('BAD_WEIGHTS', `cannot read ${path}`, { cause: error })
  })
  const isZip = bytes.length > 4 && bytes.readUInt32LE(0) === 0x04034b50
  const { value, storages } = isZip ? await readZip(bytes, path) : readLegacy(bytes, path)
  const tensors = new Map<string, NamedTensor>()
  // Tensors may share values; all of them together stay near what is there.
  const budget = { values: 2 * bytes.length }
  for (const [name, entry] of stateDict(value)) {
    const tensor = rebuild(entry, storages, { path, budget })
    if (tensor) tensors.set(name, tensor)
  }
  if (tensors.size === 0) throw failure('BAD_WEIGHTS', `${path} holds no tensors by name`)
  return tensors
}

type Storages = ReadonlyMap<string, Buffer>

function readLegacy(bytes: Buffer, path: string): { value: unknown; storages: Storages } {
  const pickle = (start: number) => readPickle(bytes, start, path, isAllowed)
  const magic = pickle(0)
  if (magic.value !== 0x1950a86a20f9469cfc6cn) {
    throw failure('BAD_WEIGHTS', `${path} is not a PyTorch file: its magic number is another`)
  }
  const protocol = pickle(magic.end)
  const system = pickle(protocol.end)
  const dict = pickle(system.end)
  const keys = pickle(dict.end)
  const sizes = new Map<string, number>()
  for (const [, entry] of stateDict(dict.value)) {
    const storage = storageOf(entry)
    if (storage) sizes.set(storage.key, storage.bytes)
  }
  const storages = new Map<string, Buffer>()
  let at = keys.end
  for (const key of Array.isArray(keys.value) ? keys.value.map(keyOf) : []) {
    if (at + 8 > bytes.length)
      throw failure('BAD_WEIGHTS', `${path} ends in the middle of its values`)
    const count = Number(bytes.readBigInt64LE(at))
    const length = count * (sizes.get(key) ?? 4)
    if (count < 0 || at + 8 + length > bytes.length) {
      throw failure('BAD_WEIGHTS', `${path} ends in the middle of its values`)
    }
    storages.set(key, bytes.subarray(at + 8, at + 8 + length))
    at += 8 + length
  }
  return { value: dict.value, storages }
}

async function readZip(
  bytes: Buffer,
  path: string,
): Promise<{ value: unknown; storages: Storages }> {
  const yauzl = await import('yauzl')
  const entries = new Map<string, Buffer>()
  try {
    const zip = await yauzl.fromBufferPromise(bytes)
    let total = 0
    for await (const entry of zip.eachEntry()) {
      // PyTorch stores its records uncompressed, so that together they are no larger than the file; unless they overlap.
      if (entry.fileName.endsWith('/') || entry.compressionMethod !== 0) continue
      total += entry.uncompressedSize
      if (total > bytes.length) throw new Error('its entries lie on one another')
      const chunks: Buffer[] = []
      for await (const chunk of await zip.openReadStreamPromise(entry)) {
        chunks.push(chunk as Buffer)
      }
      entries.set(entry.fileName.replace(/^[^/]*\//, ''), Buffer.concat(chunks))
    }
  } catch (error) {
    throw failure('BAD_WEIGHTS', `${path} is a damaged zip file`, { cause: error })
  }
  const dict = entries.get('data.pkl')
  if (!dict) throw failure('BAD_WEIGHTS', `${path} is a zip file without data.pkl: no PyTorch file`)
  if (entries.get('byteorder')?.toString() === 'big') {
    throw failure('BAD_WEIGHTS', `${path} was written by a big-endian machine`)
  }
  const storages = new Map<string, Buffer>()
  for (const [name, data] of entries) {
    if (name.startsWith('data/')) storages.set(name.slice(5), data)
  }
  return { value: readPickle(dict, 0, path, isAllowed).value, storages }
}

/** Within as many wrappers as anybody writes; a dict may also be said to hold itself. */
function* stateDict(value: unknown, depth = 3): Generator<[string, unknown]> {
  if (!(value instanceof Map)) return
  for (const wrapper of ['state_dict', 'model']) {
    const inner: unknown = value.get(wrapper)
    if (inner instanceof Map && depth > 0) return yield* stateDict(inner, depth - 1)
  }
  for (const [name, entry] of value) if (typeof name === 'string') yield [name, entry]
}

/** A storage's key; of anything but text and numbers, which could be lists within lists, none that is there. */
function keyOf(key: unknown): string {
  return typeof key === 'string' || typeof key === 'number' ? String(key) : ''
}

/** (persistent id, offset, size, stride, ...) of `_rebuild_tensor_v2`, also behind `_rebuild_parameter`. */
function tensorArgs(entry: unknown, depth = 3): readonly unknown[] | undefined {
  if (!(entry instanceof PickleCall) || depth === 0) return undefined
  return entry.callee.name === REBUILD ? entry.args : tensorArgs(entry.args[0], depth - 1)
}

function storageOf(entry: unknown): { key: string; type: string; bytes: number } | undefined {
  const reference = tensorArgs(entry)?.[0]
  if (!(reference instanceof PersistentId) || !Array.isArray(reference.id)) return undefined
  const [, type, key] = reference.id as unknown[]
  if (!(type instanceof PickleGlobal)) return undefined
  const storage = STORAGES[type.name]
  return storage && { key: keyOf(key), type: type.name, bytes: storage.bytes }
}

function rebuild(
  entry: unknown,
  storages: Storages,
  { path, budget }: { readonly path: string; readonly budget: { values: number } },
): NamedTensor | undefined {
  const args = tensorArgs(entry)
  const storage = storageOf(entry)
  if (!args || !storage) return undefined
  const [, offset, shape, stride] = args
  const data = storages.get(storage.key)
  const bad = () => failure('BAD_WEIGHTS', `${path} holds a tensor that its values do not fill`)
  if (!data || !isSize(offset) || !isSizes(shape) || !isSizes(stride)) throw bad()
  if (shape.length !== stride.length) throw bad()
  const count = shape.reduce((product, n) => product * n, 1)
  const last = shape.reduce((sum, n, i) => sum + (n - 1) * stride[i]!, offset)
  if (count > 0 && (last + 1) * storage.bytes > data.length) throw bad()
  // Strides of zero could make any number of values out of one.
  if (count * storage.bytes > Math.max(data.length, storage.bytes)) throw bad()
  budget.values -= count
  if (budget.values < 0) throw failure('BAD_WEIGHTS', `${path} has the same values too many times`)
  const { read } = STORAGES[storage.type]!
  const values = new Float32Array(count)
  const index = new Array<number>(shape.length).fill(0)
  let at = offset
  for (let i = 0; i < count; i += 1) {
    values[i] = read(data, at * storage.bytes)
    for (let axis = shape.length - 1; axis >= 0; axis -= 1) {
      index[axis]! += 1
      at += stride[axis]!
      if (index[axis]! < shape[axis]!) break
      at -= shape[axis]! * stride[axis]!
      index[axis] = 0
    }
  }
  return { shape, data: values }
}

function isSize(value: unknown): value is number {
  return Number.isInteger(value) && (value as number) >= 0 && (value as number) < 2 ** 40
}

function isSizes(value: unknown): value is number[] {
  return Array.isArray(value) && value.every(isSize)
}

/** IEEE 754 binary16. */
function halfToFloat(bits: number): number {
  const sign = bits & 0x8000 ? -1 : 1
  const exponent = (bits >> 10) & 31
  const fraction = bits & 1023
  if (exponent === 0) return sign * fraction * 2 ** -24
  if (exponent === 31) return fraction ? NaN : sign * Infinity
  return sign * (1024 + fraction) * 2 ** (exponent - 25)
}

function bfloatToFloat(bits: number): number {
  return new Float32Array(Uint32Array.of(bits << 16).buffer)[0]!
}

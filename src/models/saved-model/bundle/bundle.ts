import { failure } from '../../../util/diagnostic.ts'
import { checkPlaces, keyOf, nameOf, readIndex, shardFile } from './index-file.ts'
import { joinSlices } from './slices.ts'
import { isSliceKey, sliceKey } from './slice-key.ts'
import { BUNDLE_TYPES, STRING, typeName } from './types.ts'
import { readStringsOf, readValues } from './values.ts'
import type { NamedTensor } from '../../../util/safetensors.ts'
import type { StoredEntry } from './entries.ts'

export interface BundleEntry {
  /** `float32`, `int64`, `string`, `resource`, ... */
  readonly dtype: string
  readonly shape: readonly number[]
}

/**
 * The tensors of a SavedModel's `variables/variables`, or of a checkpoint `model.ckpt`, by key. Only the index is in
 * memory; every value is read when it is asked for, and checked against its checksum. All of it throws BAD_WEIGHTS.
 */
export interface Bundle {
  /** In the order of the index: by the bytes of the key. */
  readonly entries: ReadonlyMap<string, BundleEntry>
  /** A tensor of numbers as float32; a partitioned variable put together from its slices. */
  readonly read: (key: string) => Promise<NamedTensor>
  /** The values as they lie in the file, little-endian; of a single string, the string. */
  readonly readBytes: (key: string) => Promise<Uint8Array>
  readonly readStrings: (key: string) => Promise<readonly Uint8Array[]>
}

/**
 * Opens `PREFIX.index` and checks it against the sizes of the `PREFIX.data-…` files: nothing that it declares is
 * believed beyond them, and no two tensors share bytes. Source of the format:
 * tensorflow/core/util/tensor_bundle/tensor_bundle.cc. Throws BAD_WEIGHTS.
 */
export async function readBundle(prefix: string): Promise<Bundle> {
  const { shards, stored } = await readIndex(prefix)
  await checkPlaces(prefix, shards, stored)

  const entryOf = (key: string): StoredEntry => {
    const entry = isSliceKey(key) || key === '' ? undefined : stored.get(keyOf(key))
    if (!entry) throw failure('BAD_WEIGHTS', `${prefix}.index has no tensor ${key}`)
    return entry
  }
  const place = (entry: StoredEntry) => shardFile(prefix, entry.shard, shards)
  const whole = (key: string, entry: StoredEntry) => readValues(place(entry), key, entry)
  const bytesOf = async (key: string, entry: StoredEntry): Promise<ArrayBuffer> => {
    if (entry.slices.length === 0) return whole(key, entry)
    return joinSlices(`${prefix}.index`, key, entry, (slice) => {
      const part = stored.get(sliceKey(key, slice))
      return part && { entry: part, values: () => whole(key, part) }
    })
  }
  const readStrings = async (key: string) => {
    const entry = entryOf(key)
    if (entry.dtype !== STRING || entry.slices.length > 0) {
      throw failure('BAD_WEIGHTS', `${prefix}.index: ${key} is no tensor of strings`)
    }
    return readStringsOf(place(entry), key, entry)
  }

  return {
    entries: new Map(
      [...stored]
        .filter(([key]) => !isSliceKey(key))
        .map(([key, { dtype, shape }]) => [nameOf(key), { dtype: typeName(dtype), shape }]),
    ),
    read: async (key) => {
      const entry = entryOf(key)
      const type = BUNDLE_TYPES[entry.dtype]
      if (!type) {
        const message = `${prefix}.index: ${key} is a tensor of ${typeName(entry.dtype)}, not of numbers`
        throw failure('BAD_WEIGHTS', message)
      }
      return { shape: entry.shape, data: type.toFloats(await bytesOf(key, entry)) }
    },
    readBytes: async (key) => {
      const entry = entryOf(key)
      if (entry.dtype !== STRING) return new Uint8Array(await bytesOf(key, entry))
      const [only, ...more] = await readStrings(key)
      if (only && more.length === 0) return only
      throw failure('BAD_WEIGHTS', `${prefix}.index: ${key} is not one string`)
    },
    readStrings,
  }
}

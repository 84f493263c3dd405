import { fields, WireError } from './wire.ts'
import type { Slice } from './slice-key.ts'

/** What the index says of its shards: tensorflow/core/protobuf/tensor_bundle.proto, BundleHeaderProto. */
export interface BundleHeader {
  readonly shards: number
}

/** One tensor, or one slice of one: BundleEntryProto. */
export interface StoredEntry {
  /** A number of types.proto. */
  readonly dtype: number
  readonly shape: readonly number[]
  readonly shard: number
  readonly offset: number
  readonly size: number
  /** Masked. */
  readonly crc: number
  /** Not empty where the values lie in rows of their own, one a slice. */
  readonly slices: readonly Slice[]
}

/** The newest format this reader knows: kTensorBundleVersion of tensor_bundle.cc. */
const VERSION = 1
/** What file names have room for, and what TensorShape allows. */
const MAX_SHARDS = 99_999
const MAX_AXES = 254

/** Throws WireError, also for a bundle of a big-endian machine or a newer format. */
export function readHeader(message: Uint8Array): BundleHeader {
  let shards = 0
  for (const { number, value, bytes } of fields(message)) {
    if (number === 1) shards = value ?? 0
    if (number === 2 && value !== 0) throw new WireError('it was written by a big-endian machine')
    if (number === 3 && bytes) checkVersion(bytes)
  }
  if (shards < 1 || shards > MAX_SHARDS) throw new WireError(`it has ${shards} files of values`)
  return { shards }
}

function checkVersion(version: Uint8Array): void {
  for (const { number, value } of fields(version)) {
    if (number === 2 && (value ?? 0) > VERSION) {
      throw new WireError(`its format is of version ${value}, and ${VERSION} is the newest known`)
    }
  }
}

/** Throws WireError. */
export function readEntry(message: Uint8Array): StoredEntry {
  let dtype = 0
  let shape: readonly number[] = []
  const numbers = { 3: 0, 4: 0, 5: 0, 6: 0 }
  const slices: Slice[] = []
  for (const { number, value, bytes } of fields(message)) {
    if (number === 1) dtype = value ?? 0
    else if (number === 2 && bytes) shape = readShape(bytes)
    else if (number === 7 && bytes) slices.push(readSlice(bytes))
    else if (value !== undefined && (number === 3 || number === 4 || number === 5 || number === 6))
      numbers[number] = value
  }
  return {
    dtype,
    shape,
    shard: numbers[3],
    offset: numbers[4],
    size: numbers[5],
    crc: numbers[6],
    slices,
  }
}

/** TensorShapeProto: sizes in field 1 of the messages in field 2. */
function readShape(message: Uint8Array): number[] {
  const shape: number[] = []
  for (const { number, bytes } of fields(message)) {
    if (number !== 2 || !bytes) continue
    let size = 0
    for (const field of fields(bytes)) if (field.number === 1) size = field.value ?? 0
    if (size < 0) throw new WireError(`an axis of ${size}`)
    shape.push(size)
  }
  if (shape.length > MAX_AXES) throw new WireError(`${shape.length} axes`)
  return shape
}

/** TensorSliceProto: extents in field 1; one without a length is a whole axis. */
function readSlice(message: Uint8Array): Slice {
  const slice: Slice[number][] = []
  for (const { number, bytes } of fields(message)) {
    if (number !== 1 || !bytes) continue
    let start = 0
    let length: number | undefined
    for (const field of fields(bytes)) {
      if (field.number === 1) start = field.value ?? 0
      if (field.number === 2) length = field.value ?? 0
    }
    slice.push(length === undefined ? undefined : { start, length })
  }
  return slice
}

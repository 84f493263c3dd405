import { sizeOf, type DType, type TensorData, type TensorType } from '../../program/program.ts'
import { failure } from '../../util/diagnostic.ts'
import type { Pointer } from './c-api.ts'
import { DATA_TYPES } from './graph-def.ts'
import type { TensorflowLibrary } from './library.ts'

export const ARRAYS = {
  float32: Float32Array,
  int32: Int32Array,
  uint8: Uint8Array,
} as const satisfies Record<DType, unknown>

/** A TF_Tensor with a copy of the data, the caller's to delete. */
export function toTensor(
  { api, c }: TensorflowLibrary,
  { dtype, shape }: TensorType,
  data: TensorData,
): Pointer {
  const dimensions = BigInt64Array.from(shape, BigInt)
  const tensor = api.allocateTensor(DATA_TYPES[dtype], dimensions, shape.length, data.byteLength)
  if (!tensor) {
    throw failure('OUT_OF_MEMORY', `no memory for a tensor of ${data.byteLength} bytes`)
  }
  if (data.byteLength > 0) c.copy(api.tensorData(tensor), data, data.byteLength)
  return tensor
}

/** A fresh array with a copy of the TF_Tensor's data. */
export function fromTensor(
  { api, c }: TensorflowLibrary,
  tensor: Pointer,
  { dtype, shape }: TensorType,
): TensorData {
  const data = new ARRAYS[dtype](sizeOf(shape))
  const bytes = api.tensorByteSize(tensor)
  if (bytes !== data.byteLength) {
    throw new TypeError(`a tensor of ${bytes} bytes for ${dtype} [${shape}]`)
  }
  if (bytes > 0) c.copy(data, api.tensorData(tensor), bytes)
  return data
}

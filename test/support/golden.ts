import { readFileSync } from 'node:fs'
import { join } from 'node:path'

import { sizeOf, type DType, type TensorData } from '../../src/program/program.ts'
import { ROOT } from './paths.ts'

/** An array in a golden file, as `test/golden/golden.py` writes it. */
export interface Packed {
  readonly shape: readonly number[]
  readonly dtype: DType
  readonly base64: string
}

/** `test/golden/NAME.json`. */
export function readGolden<Content>(name: string): Content {
  return JSON.parse(readFileSync(join(ROOT, 'test', 'golden', `${name}.json`), 'utf8')) as Content
}

const ARRAYS = { float32: Float32Array, int32: Int32Array, uint8: Uint8Array }

export function unpack(packed: Packed): TensorData {
  const bytes = Uint8Array.from(Buffer.from(packed.base64, 'base64'))
  const data = new ARRAYS[packed.dtype](bytes.buffer)
  if (data.length !== sizeOf(packed.shape)) throw new TypeError(`[${packed.shape}] damaged`)
  return data
}

/** Of a golden known to be float32. */
export function floats(packed: Packed): Float32Array {
  return unpack(packed) as Float32Array
}

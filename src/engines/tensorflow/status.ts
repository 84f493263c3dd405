import { failure, type PipelineError } from '../../util/diagnostic.ts'
import type { Pointer, TensorflowApi } from './c-api.ts'

/** TF_Code RESOURCE_EXHAUSTED. */
const RESOURCE_EXHAUSTED = 8

/** Calls with a fresh TF_Status, throws what it says in the end (see `statusError`), and deletes it. */
export async function withStatus<T>(
  api: TensorflowApi,
  layerOf: ReadonlyMap<string, string>,
  call: (status: Pointer) => T | Promise<T>,
): Promise<T> {
  const status = api.newStatus()
  try {
    const result = await call(status)
    const code = api.statusCode(status)
    if (code !== 0) throw statusError(code, api.statusMessage(status), layerOf)
    return result
  } finally {
    api.deleteStatus(status)
  }
}

/**
 * OUT_OF_MEMORY or ENGINE_FAILED, with TensorFlow's own message and the layer of the node it names
 * (`[[{{node block_1_expand/conv2d_7}}]]`).
 */
export function statusError(
  code: number,
  message: string,
  layerOf: ReadonlyMap<string, string>,
): PipelineError {
  const node = /\{\{node ([^}]+)\}\}/.exec(message)?.[1]
  const layer = node === undefined ? undefined : layerOf.get(node)
  const text = message
    .replace(/\s*; NodeDef: .*$/s, '')
    .replaceAll(/\s*\[\[\{\{node [^}]+\}\}[^\]]*\]\]/g, '')
    .replaceAll(/\s*\n\s*/g, ' ')
    .replace(/\.?\s*$/, '')
  const where = layer === undefined ? '' : ` in layer ${layer}`
  if (code === RESOURCE_EXHAUSTED) {
    return failure('OUT_OF_MEMORY', `TensorFlow has no memory left${where}: ${text}`, {
      hint: 'a smaller training.batchSize needs less; `engine: {device: cpu}` uses the memory of the machine',
    })
  }
  return failure('ENGINE_FAILED', `TensorFlow failed${where}: ${text}`)
}

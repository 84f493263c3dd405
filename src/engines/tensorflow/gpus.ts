import { failure } from '../../util/diagnostic.ts'
import { encodeConfig } from './config.ts'
import type { TensorflowLibrary } from './library.ts'
import { NativeGraph } from './native-graph.ts'

/** `cpu`, `gpu` and `gpu:1` of a pipeline file; undefined: whatever there is. */
export function gpuIndex(device: string | undefined): 'cpu' | 'any' | number {
  if (device === undefined) return 'any'
  if (device === 'cpu') return 'cpu'
  const index = /^gpu(?::(\d+))?$/.exec(device)
  if (!index) throw new TypeError(`device is cpu, gpu or gpu:N, got ${device}`)
  return Number(index[1] ?? 0)
}

let claimed: number | undefined

/**
 * The index of the GPU to use; undefined: none, which is only an answer where none was asked for. It counts the GPUs that CUDA
 * shows: the first is 0, whatever CUDA_VISIBLE_DEVICES makes it. Throws ENGINE_MISSING.
 */
export async function findGpu(
  library: TensorflowLibrary,
  threads: number,
  wanted: 'any' | number,
  env: NodeJS.ProcessEnv = process.env,
): Promise<number | undefined> {
  const index = wanted === 'any' ? (claimed ?? 0) : wanted
  if (claimed !== undefined && claimed !== index) throw another(claimed, index)
  let reason = 'this libtensorflow sees none'
  try {
    if (await sees(library, threads, index)) return (claimed = index)
  } catch (error) {
    // An index beyond the last GPU is an error of TensorFlow's.
    if (wanted === 'any') throw error
    reason = (error as Error).message
  }
  if (wanted === 'any') return undefined
  const visible = env.CUDA_VISIBLE_DEVICES
  const among = visible === undefined ? '' : ` (CUDA_VISIBLE_DEVICES is "${visible}")`
  throw failure('ENGINE_MISSING', `no GPU ${index} for TensorFlow${among}: ${reason}`, {
    hint: library.location.cuda
      ? '`pipeline doctor` says what is missing; `engine: {device: cpu}` needs none'
      : '`pipeline engine install --cuda` brings a libtensorflow for NVIDIA GPUs; `engine: {device: cpu}` needs none',
  })
}

async function sees(library: TensorflowLibrary, threads: number, gpu: number): Promise<boolean> {
  const config = encodeConfig({ threads, gpu })
  const graph = await NativeGraph.open(library, { nodes: [], layerOf: new Map() }, config)
  try {
    return (await graph.devices()).includes('GPU')
  } finally {
    await graph.close()
  }
}

/** TensorFlow gives its first GPU a name that means the same one for as long as the process lives. */
function another(old: number, asked: number): Error {
  const message = `TensorFlow computes on GPU ${old} in this process already, got ${asked}`
  return failure('ENGINE_FAILED', message, {
    hint: 'run pipelines that ask for another GPU one by one',
  })
}

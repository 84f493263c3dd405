import { availableParallelism } from 'node:os'
import { failure } from '../../util/diagnostic.ts'
import type { Engine, EngineInfo, EngineOptions } from '../engine.ts'
import { Builder } from '../../program/builder.ts'
import { checkPrecision } from '../precision.ts'
import { encodeConfig } from './config.ts'
import { findGpu, gpuIndex } from './gpus.ts'
import { loadTensorflow, type TensorflowLibrary } from './library.ts'
import { locateTensorflow, type TensorflowLocation } from './locate.ts'
import { NativeGraph } from './native-graph.ts'
import { openSession, type TensorflowSession } from './session.ts'

const INSTALL =
  '`pipeline engine install` brings it (about 270 MB); or take `engine: wasm`, which is always there'

/**
 * The `tensorflow` engine on the first libtensorflow of this machine. `device`: `cpu`, `gpu`, `gpu:1`; by default the
 * first GPU if there is one, else the CPU. Throws ENGINE_MISSING (no library, no such device, no mixed precision on it) or
 * ENGINE_FAILED.
 */
export async function openTensorflow(options: EngineOptions = {}): Promise<Engine> {
  const location = locateTensorflow()
  if (!location) {
    throw failure('ENGINE_MISSING', 'no libtensorflow on this machine', { hint: INSTALL })
  }
  return openTensorflowAt(location, options)
}

/** The same on a library that is known. */
export async function openTensorflowAt(
  location: TensorflowLocation,
  options: EngineOptions = {},
): Promise<Engine> {
  const library = loadTensorflow(location, options)
  const threads = claimThreads(options.threads)
  const wanted = gpuIndex(options.device)
  const gpu = wanted === 'cpu' ? undefined : await findGpu(library, threads, wanted)
  const device = gpu === undefined ? 'cpu' : gpu === 0 ? 'gpu' : `gpu:${gpu}`
  checkPrecision(options, 'tensorflow', device)
  const mixed = options.precision === 'mixed'
  const config = encodeConfig({ threads, gpu, mixed })
  // A session now: it fixes the number of threads, and what is wrong with the library shows here.
  await (await NativeGraph.open(library, { nodes: [], layerOf: new Map() }, config)).close()
  if (mixed) await refuseFloat32(library, config)
  const info: EngineInfo = {
    name: 'tensorflow',
    device,
    version: library.version,
    threads,
    ...(mixed ? { precision: 'mixed' } : {}),
  }
  return engine(library, info, config)
}

function engine(library: TensorflowLibrary, info: EngineInfo, config: Uint8Array): Engine {
  const sessions = new Set<TensorflowSession>()
  return {
    info,
    async compile(program, { entries } = {}) {
      const session = await openSession(library, program, {
        config,
        entries,
        onClose: (closed) => sessions.delete(closed),
      })
      sessions.add(session)
      return session
    },
    async close() {
      for (const session of sessions) await session.close()
      sessions.clear()
    },
  }
}

/**
 * TensorFlow leaves a graph as it is, without a word, where it knows no mixed precision: older than 2.10 on a CPU, built
 * without oneDNN, a GPU before compute capability 7. A product of thirds shows it: bfloat16 is off in its third digit.
 */
async function refuseFloat32(library: TensorflowLibrary, config: Uint8Array): Promise<void> {
  const b = new Builder()
  const x = b.input('x', [16, 16])
  b.entry('e', { fetches: { y: b.relu(b.matMul(b.relu(b.matMul(x, x)), x)) }, updates: [] })
  const session = await openSession(library, b.program(), { config })
  const { y } = await session.run('e', { x: new Float32Array(256).fill(1 / 3) })
  await session.close()
  if (Math.abs(y![0]! - 256 / 27) > 1e-4) return
  throw failure('ENGINE_MISSING', `TensorFlow ${library.version} computes in float32 here`, {
    hint: 'write engine.precision: float32; `pipeline engine install` brings a TensorFlow that has mixed precision',
  })
}

let claimed: number | undefined

/** TensorFlow has one pool of threads a process, as big as its first session wanted it. */
function claimThreads(threads: number | undefined): number {
  if (claimed !== undefined && threads !== undefined && threads !== claimed) {
    throw failure(
      'ENGINE_FAILED',
      `TensorFlow computes with ${claimed} threads in this process already, got ${threads}`,
      { hint: 'run pipelines that ask for another engine.threads one by one' },
    )
  }
  claimed ??= threads ?? availableParallelism()
  return claimed
}

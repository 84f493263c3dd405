import { availableParallelism } from 'node:os'
import { failure } from '../../util/diagnostic.ts'
import type { Engine, EngineOptions, Session } from '../engine.ts'
import { checkPrecision } from '../precision.ts'
import { loadKernels } from './kernels.ts'
import { openPool } from './pool.ts'
import { openLocalSession } from './session.ts'

/**
 * The embedded engine: tfjs' WebAssembly kernels (XNNPACK), one thread; always there. `threads` bounds the number of
 * processes that a program without variables is spread over. Throws ENGINE_MISSING where a GPU or mixed precision is
 * asked for.
 */
export async function openWasm(options: EngineOptions = {}): Promise<Engine> {
  if (options.device !== undefined && options.device !== 'cpu') {
    throw failure('ENGINE_MISSING', `the wasm engine has no device ${options.device}`, {
      hint: '`pipeline engine install --cuda` brings an engine for GPUs',
    })
  }
  checkPrecision(options, 'wasm', 'cpu')
  const cores = Math.min(availableParallelism(), options.threads ?? Infinity)
  const { version } = await loadKernels()
  const sessions = new Set<Session>()
  return {
    info: { name: 'wasm', device: 'cpu', version, threads: 1 },
    async compile(program, compileOptions = {}) {
      const wanted = program.variables.length === 0 ? (compileOptions.concurrency ?? 1) : 1
      const processes = Math.min(wanted, cores)
      const session =
        processes > 1
          ? await openPool(program, processes, compileOptions)
          : await openLocalSession(program, compileOptions)
      sessions.add(session)
      return session
    },
    async close() {
      await Promise.all([...sessions].map((session) => session.close()))
      sessions.clear()
    },
  }
}

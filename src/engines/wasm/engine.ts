import type { Engine, EngineOptions, Session } from '../engine.ts'
import type { Program } from '../../program/program.ts'
import type { CompileOptions } from '../engine.ts'
import { loadKernels } from './kernels.ts'
import { openLocalSession } from './session.ts'

/** The embedded engine: tfjs' WebAssembly kernels (XNNPACK), one thread; always there. */
export async function openWasm(_options: EngineOptions = {}): Promise<Engine> {
  const { version } = await loadKernels()
  const sessions = new Set<Session>()
  return {
    info: { name: 'wasm', device: 'cpu', version, threads: 1 },
    async compile(program: Program, options: CompileOptions = {}) {
      const session = await openLocalSession(program, options)
      sessions.add(session)
      return session
    },
    async close() {
      await Promise.all([...sessions].map((session) => session.close()))
      sessions.clear()
    },
  }
}

import type { Engine, EngineOptions } from '../engine.ts'
import { checkPrecision } from '../precision.ts'
import { openAdapter } from './adapter.ts'
import { GpuDevice } from './device.ts'
import { infoOf } from './info.ts'
import { Kernels } from './kernels.ts'
import { requireWebgpu } from './locate.ts'
import { openSession, type WebgpuSession } from './session.ts'
import { loadTfjs } from './tfjs.ts'

/**
 * Any GPU through WebGPU: tfjs' kernels on Dawn, both optional packages. `device`: see `openAdapter`; `threads` means nothing
 * here. Throws ENGINE_MISSING (a package, an adapter, mixed precision) or ENGINE_FAILED.
 */
export async function openWebgpu(options: EngineOptions = {}): Promise<Engine> {
  const location = requireWebgpu()
  checkPrecision(options, 'webgpu', 'gpu')
  const opened = await openAdapter(location, options.device, options)
  const { gpu, adapter } = opened
  const device = await GpuDevice.open(adapter)
  const tfjs = loadTfjs(location)
  const kernels = new Kernels(tfjs, tfjs.newBackend(device.device, adapter.info, gpu))
  const sessions = new Set<WebgpuSession>()
  return {
    info: infoOf(location, opened),
    async compile(program, compileOptions) {
      const session = await openSession(program, kernels, device, {
        ...compileOptions,
        onClose: (closed) => sessions.delete(closed),
      })
      sessions.add(session)
      return session
    },
    async close() {
      for (const session of sessions) await session.close()
      sessions.clear()
      kernels.close()
      device.close()
    },
  }
}

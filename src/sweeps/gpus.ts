import { list } from './ticket.ts'

/** NVIDIA's driver has a folder for each GPU there. */
const DRIVER = '/proc/driver/nvidia/gpus'

/** The GPUs that this process may use, as CUDA names them: those of CUDA_VISIBLE_DEVICES, else all that the driver has. */
export function findGpus(env: NodeJS.ProcessEnv, driver = DRIVER): readonly string[] {
  const visible = env['CUDA_VISIBLE_DEVICES']
  if (visible === undefined) return list(driver).map((_, i) => String(i))
  // CUDA takes names up to the first that is none: `-1` hides all.
  const names = visible.split(',').map((name) => name.trim())
  const end = names.findIndex((name) => name === '' || name.startsWith('-'))
  return end < 0 ? names : names.slice(0, end)
}

/** What a worker's environment says of its GPU; nothing where there are no several. */
export function deviceOf(slot: number, gpus: readonly string[]): NodeJS.ProcessEnv {
  return gpus.length > 1 ? { CUDA_VISIBLE_DEVICES: gpus[slot % gpus.length] } : {}
}

import { existsSync, readdirSync } from 'node:fs'

/**
 * Whether this machine shows a GPU at all: without one `auto` need not load anything to ask for an adapter. Where the system
 * does not tell by files, it may have one.
 */
export function mayHaveGpu(platform: NodeJS.Platform = process.platform, root = '/dev'): boolean {
  if (platform !== 'linux') return true
  // Drivers of the kernel, NVIDIA's, and Windows' below WSL.
  if (existsSync(`${root}/nvidiactl`) || existsSync(`${root}/dxg`)) return true
  try {
    return readdirSync(`${root}/dri`).some((name) => name.startsWith('renderD'))
  } catch {
    return false
  }
}

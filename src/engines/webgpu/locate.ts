import { readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'
import { failure } from '../../util/diagnostic.ts'

/** The packages that the engine consists of, found by their files alone. */
export interface WebgpuLocation {
  /** Folder of `webgpu` (Dawn, the implementation of WebGPU). */
  readonly dawn: string
  /** Folder of `@tensorflow/tfjs-backend-webgpu` (the kernels). */
  readonly kernels: string
  /** Of the kernels: `4.22.0`. */
  readonly version: string
  /** Of Dawn's package. */
  readonly dawnVersion: string
}

export const PACKAGES = { dawn: 'webgpu', kernels: '@tensorflow/tfjs-backend-webgpu' } as const
export const INSTALL = `\`npm install ${PACKAGES.dawn} ${PACKAGES.kernels}\``

/** The packages beside our own (`home`) or in the project of `cwd`; the names of those that are missing. */
export function locateWebgpu(
  cwd: string = process.cwd(),
  home: string = import.meta.url,
): WebgpuLocation | { readonly missing: readonly string[] } {
  const places = [home, join(cwd, 'package.json')]
  const found = Object.values(PACKAGES).map((name) => packageAt(name, places))
  const [dawn, kernels] = found
  if (!dawn || !kernels) {
    return { missing: Object.values(PACKAGES).filter((_, i) => !found[i]) }
  }
  return {
    dawn: dawn.folder,
    kernels: kernels.folder,
    version: kernels.version,
    dawnVersion: dawn.version,
  }
}

/** Throws ENGINE_MISSING where a package is missing. */
export function requireWebgpu(...where: Parameters<typeof locateWebgpu>): WebgpuLocation {
  const found = locateWebgpu(...where)
  if (!('missing' in found)) return found
  const message = `the webgpu engine lacks ${found.missing.join(' and ')}`
  throw failure('ENGINE_MISSING', message, {
    hint: `${INSTALL} brings it (about 60 MB, any GPU); or take \`engine: wasm\`, which is always there`,
  })
}

function packageAt(
  name: string,
  places: readonly string[],
): { readonly folder: string; readonly version: string } | undefined {
  for (const from of places) {
    try {
      const manifest = createRequire(from).resolve(`${name}/package.json`)
      const { version } = JSON.parse(readFileSync(manifest, 'utf8')) as { version: string }
      return { folder: dirname(manifest), version }
    } catch {
      // Not there; perhaps in the other place.
    }
  }
  return undefined
}

import { readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import type { EngineInfo } from '../engine.ts'

/** What the wasm engine says of itself, from its package alone: no kernel is loaded. */
export function wasmInfo(): EngineInfo {
  const manifest = createRequire(import.meta.url).resolve(
    '@tensorflow/tfjs-backend-wasm/package.json',
  )
  const { version } = JSON.parse(readFileSync(manifest, 'utf8')) as { version: string }
  return { name: 'wasm', device: 'cpu', version, threads: 1 }
}

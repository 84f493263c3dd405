import type { EngineName } from './engine.ts'

/** Multiply-adds a second of one core, roughly, for plans: measured on trunks of the three families. */
export const RATE: Readonly<Record<EngineName, number>> = {
  tensorflow: 35e9,
  webgpu: 35e9,
  wasm: 10e9,
}

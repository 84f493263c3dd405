import type { EngineName } from '../engines/engine.ts'

/** Pictures a run of a trunk: where each engine is quickest (bench/). Rows do not depend on it. */
export const TRUNK_BATCH: Readonly<Record<EngineName, number>> = {
  tensorflow: 32,
  webgpu: 32,
  wasm: 2,
}

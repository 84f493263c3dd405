import type { EngineInfo } from '../engines/engine.ts'
import { planStages } from '../graph/plan.ts'
import type { Store } from '../graph/store.ts'
import type { BaseModel } from '../models/catalogue.ts'
import { publishedWeights } from '../models/published.ts'
import { weightStages } from '../pipeline/data-stages.ts'
import type { NamedModel } from '../pipeline/pipeline.ts'
import { openEnvironment } from '../stages/environment.ts'
import { stageKinds } from '../stages/table.ts'

/** What of a model's ImageNet weights needs no fetching any more. */
export interface WeightsThere {
  readonly trunk: boolean
  /** With the top. */
  readonly whole: boolean
}

/** Weights do not depend on what computes with them. */
const NO_ENGINE: EngineInfo = { name: 'wasm', device: 'cpu', version: '', threads: 1 }

/** For each model whether a pipeline that names it, at the size it was trained at, finds its weights in the store. */
export async function weightsThere(
  models: readonly BaseModel[],
  store: Store,
  signal: AbortSignal,
): Promise<WeightsThere[]> {
  const kinds = stageKinds(openEnvironment(() => Promise.reject(new TypeError('no engine here'))))
  const isThere = async ({ name, inputSize }: BaseModel, includeTop: boolean) => {
    const baseModel: NamedModel = { name, weights: 'imagenet', includeTop, pooling: 'none' }
    if (!publishedWeights({ name, includeTop })) return false
    const part = { baseModel, dataset: { imageSize: [inputSize, inputSize] as const } }
    const options = { engine: NO_ENGINE, seed: 0, pixelNumerics: {}, offline: true, pin: false }
    const plan = await planStages(weightStages(part, options), kinds, store, { signal })
    return plan.every(({ stage, state }) => stage.kind !== 'download' || state === 'cached')
  }
  const found: WeightsThere[] = []
  for (const model of models) {
    found.push({ trunk: await isThere(model, false), whole: await isThere(model, true) })
  }
  return found
}

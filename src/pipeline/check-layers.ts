import type { LayerGraph } from '../models/layer-graph.ts'
import { PipelineError } from '../util/diagnostic.ts'
import { cutOf, isNamed, modelOf, sourceKey } from './base-model.ts'
import type { CheckedModel } from './check.ts'

/**
 * The layers of a base model that a file brings, on the pipeline's pictures: undefined where they are not known, and where they do not
 * take the pictures or `output` is none of them, which is told.
 */
export async function buildLayers({
  pipeline,
  known,
  report,
}: CheckedModel): Promise<LayerGraph | undefined> {
  const { baseModel } = pipeline
  if (!known?.stored || isNamed(baseModel)) return undefined
  const model = modelOf(pipeline, known.stored)!
  const { buildModel } = await import('../models/base-model.ts')
  try {
    return buildModel(model)
  } catch (error) {
    if (!(error instanceof PipelineError)) throw error
    const cut = cutOf(baseModel)
    const isCut = cut !== undefined && error.message.includes(`"${cut}"`)
    for (const { code, message, hint } of error.diagnostics) {
      report(code, ['baseModel', isCut ? 'output' : sourceKey(baseModel)], message, { hint })
    }
    return undefined
  }
}

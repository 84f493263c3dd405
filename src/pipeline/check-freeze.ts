import { PipelineError } from '../util/diagnostic.ts'
import type { Checked } from './check.ts'

/**
 * Layers that a policy names must be there. Apart from the other checks, since only this one needs the model's layers:
 * they are loaded when a policy names some.
 */
export async function checkFreeze({ pipeline, model, report }: Checked): Promise<void> {
  const { freeze, baseModel } = pipeline
  if (!model || typeof freeze === 'string') return
  const [{ buildBaseModel }, { resolveFreeze }] = await Promise.all([
    import('../models/base-model.ts'),
    import('../models/freeze.ts'),
  ])
  try {
    resolveFreeze(freeze, buildBaseModel(baseModel))
  } catch (error) {
    if (!(error instanceof PipelineError)) throw error
    for (const { code, message, hint } of error.diagnostics) {
      // Of the model itself the other checks have told already.
      if (message.includes('freeze') || message.includes('layer'))
        report(code, ['freeze'], message, { hint })
    }
  }
}

import { PipelineError } from '../util/diagnostic.ts'
import type { Checked } from './check.ts'
import type { Path } from './tree.ts'

/**
 * Layers that a policy names must be there. Apart from the other checks, since only this one needs the model's layers:
 * they are loaded when a policy names some.
 */
export async function checkFreeze({ pipeline, model, isWritten, report }: Checked): Promise<void> {
  const { freeze, baseModel, training } = pipeline
  const ofPhases = (training.phases ?? []).map((phase, i) => ({
    policy: phase.freeze,
    place: ['training', 'phases', i, 'freeze'] as Path,
  }))
  const policies = [
    { policy: freeze, place: ['freeze'] as Path },
    ...ofPhases.filter(({ place }) => isWritten(place)),
  ].filter(({ policy }) => typeof policy !== 'string')
  if (!model || policies.length === 0) return
  const [{ buildBaseModel }, { resolveFreeze }] = await Promise.all([
    import('../models/base-model.ts'),
    import('../models/freeze.ts'),
  ])
  for (const { policy, place } of policies) {
    try {
      resolveFreeze(policy, buildBaseModel(baseModel))
    } catch (error) {
      if (!(error instanceof PipelineError)) throw error
      for (const { code, message, hint } of error.diagnostics) {
        // Of the model itself the other checks have told already.
        if (message.includes('freeze') || message.includes('layer'))
          report(code, place, message, { hint })
      }
    }
  }
}

import type { ModelChoice } from '../models/base-model.ts'
import type { HeadLayer } from '../models/head.ts'
import { PipelineError } from '../util/diagnostic.ts'
import { modelOf } from './base-model.ts'
import type { Checked } from './check.ts'
import type { Path } from './tree.ts'

/**
 * Layers that a policy names must be there. Apart from the other checks, since only this one needs the model's layers:
 * they are loaded when a policy names some.
 */
export async function checkFreeze({ pipeline, known, isWritten, report }: Checked): Promise<void> {
  const { freeze, training } = pipeline
  const ofPhases = (training.phases ?? []).map((phase, i) => ({
    policy: phase.freeze,
    place: ['training', 'phases', i, 'freeze'] as Path,
  }))
  const policies = [
    { policy: freeze, place: ['freeze'] as Path },
    ...ofPhases.filter(({ place }) => isWritten(place)),
  ].filter(({ policy }) => typeof policy !== 'string')
  if (!known || policies.length === 0) return
  const model = modelOf(pipeline, known.stored)
  if (!model) return
  const { resolveFreeze } = await import('../models/freeze.ts')
  for (const { policy, place } of policies) {
    try {
      const { trunk, ofHead } = await namesOf(pipeline, model)
      resolveFreeze(policy, trunk, ofHead)
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

/** The trunk, and the names of the head's layers: without them where the head does not fit, which other checks tell. */
async function namesOf({ head }: Checked['pipeline'], model: ModelChoice) {
  const [{ buildModel }, { addHead, headLayers }] = await Promise.all([
    import('../models/base-model.ts'),
    import('../models/head.ts'),
  ])
  const trunk = buildModel(model)
  try {
    const whole = addHead(trunk, head as readonly HeadLayer[], 2)
    return { trunk, ofHead: headLayers(whole, trunk).map(({ name }) => name) }
  } catch (error) {
    if (!(error instanceof PipelineError)) throw error
    return { trunk, ofHead: [] }
  }
}

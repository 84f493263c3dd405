import type { HeadLayer } from '../models/head.ts'
import { PipelineError } from '../util/diagnostic.ts'
import { modelOf } from './base-model.ts'
import type { Checked } from './check.ts'

/** `features: always` where there is nothing that could be kept. Loads the model's layers, only then. */
export async function checkFeatures({ pipeline, known, report }: Checked): Promise<void> {
  const { features, freeze, training, head, augmentation } = pipeline
  if (features.when !== 'always') return
  if (augmentation?.bank === 'none') {
    const message = 'features: always, but augmentation draws the training pictures anew each epoch'
    report('CONFLICT', ['augmentation'], message, {
      hint: 'write augmentation.bank: 4 to keep four variants of each picture, or features: auto',
    })
  }
  const policies = training.phases?.map((phase) => phase.freeze) ?? [freeze]
  const hint = 'write features: auto, or freeze layers from the start on: freeze: {first: 100}'
  if (policies.every((policy) => policy === 'none')) {
    const message = 'features: always, but nothing is frozen: there is nothing to keep'
    report('CONFLICT', ['features'], message, { hint })
    return
  }
  const model = known && modelOf(pipeline, known.stored)
  if (!model) return
  const { featurePlan } = await import('../training/feature-plan.ts')
  const hasPlan = (policy: typeof freeze): boolean => {
    const options = { model, head: head as readonly HeadLayer[], freeze: policy }
    return featurePlan(options) !== undefined
  }
  try {
    if (policies.some(hasPlan)) return
  } catch (error) {
    // Of the model, the head and the policy the other checks have told already.
    if (error instanceof PipelineError) return
    throw error
  }
  const message = 'features: always, but trained layers stand before all that is frozen'
  report('CONFLICT', ['features'], message, { hint })
}

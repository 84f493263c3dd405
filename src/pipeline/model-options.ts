import { baseModel } from '../models/published.ts'
import type { BaseModelOptions } from '../models/published.ts'
import type { Pipeline } from './pipeline.ts'

/** What of a pipeline says how its base model is built. */
export function modelOptions({ baseModel: base, dataset }: Pipeline): BaseModelOptions {
  const { name, includeTop, pooling, alpha } = base
  const inputShape = [...dataset.imageSize, 3]
  return { name, includeTop, pooling, alpha, ...variantOf(base), inputShape }
}

/**
 * The options that few families have, each only where it changes something, so that it does not stand in the
 * fingerprints of the others.
 */
export function variantOf({ name, weights, minimalistic }: Pipeline['baseModel']): {
  minimalistic?: true
  imagenet?: true
} {
  const { differsForImagenet } = baseModel(name)
  return {
    ...(minimalistic ? { minimalistic } : {}),
    ...(differsForImagenet && weights === 'imagenet' ? { imagenet: true } : {}),
  }
}

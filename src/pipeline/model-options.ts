import { baseModel } from '../models/published.ts'
import type { BaseModelOptions } from '../models/published.ts'
import type { NamedModel } from './pipeline.ts'

/** What of a pipeline says how its base model is built. */
export function modelOptions(
  base: NamedModel,
  [height, width]: readonly [number, number],
): BaseModelOptions {
  const { name, includeTop, pooling, alpha } = base
  const inputShape = [height, width, 3]
  return { name, includeTop, pooling, alpha, ...variantOf(base), inputShape }
}

/**
 * The options that few families have, each only where it changes something, so that it does not stand in the
 * fingerprints of the others.
 */
export function variantOf({ name, weights, minimalistic }: NamedModel): {
  minimalistic?: true
  imagenet?: true
} {
  const { differsForImagenet } = baseModel(name)
  return {
    ...(minimalistic ? { minimalistic } : {}),
    ...(differsForImagenet && weights === 'imagenet' ? { imagenet: true } : {}),
  }
}

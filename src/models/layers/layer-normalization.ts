import { ONES, trainable, ZEROS, type LayerDefinition } from './definition.ts'

/** Over the last axis, place by place, the variance biased (keras/src/layers/normalization/layer_normalization.py). */
export const layerNormalization = {
  defaults: { epsilon: 1e-3, scale: true, center: true },
  outputShape: (_, [input]) => input!,
  weights: ({ scale, center }, [input]) => {
    const shape = [input!.at(-1)!]
    return [
      ...(scale ? [trainable('gamma', shape, ONES)] : []),
      ...(center ? [trainable('beta', shape, ZEROS)] : []),
    ]
  },
  lower: ({ b, config: { epsilon, scale, center }, inputs, weight }) => {
    const x = inputs[0]!
    const last = [x.shape.length - 1]
    const centered = b.subtract(x, b.reduceMean(x, last, true))
    const variance = b.reduceMean(b.square(centered), last, true)
    const inverse = b.rsqrt(b.add(variance, b.scalar(epsilon)))
    const normal = b.multiply(centered, inverse)
    const scaled = scale ? b.multiply(normal, weight('gamma')) : normal
    return center ? b.biasAdd(scaled, weight('beta')) : scaled
  },
} as const satisfies LayerDefinition<'LayerNormalization'>

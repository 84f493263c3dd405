import type { Tensor } from '../../program/program.ts'
import { ONES, trainable, ZEROS, type LayerDefinition, type Lowering } from './definition.ts'

/**
 * Over the last axis (keras/src/layers/normalization/batch_normalization.py). In training: statistics of the batch
 * over all other axes, the variance biased, and averages moved by `moving * momentum + batch * (1 - momentum)`.
 */
export const batchNormalization = {
  defaults: { momentum: 0.99, epsilon: 1e-3, scale: true, center: true },
  outputShape: (_, [input]) => input!,
  weights: ({ scale, center }, [input]) => {
    const shape = [input!.at(-1)!]
    return [
      ...(scale ? [trainable('gamma', shape, ONES)] : []),
      ...(center ? [trainable('beta', shape, ZEROS)] : []),
      { name: 'moving_mean', shape, initializer: ZEROS, trainable: false },
      { name: 'moving_variance', shape, initializer: ONES, trainable: false },
    ]
  },
  lower: (lowering) => {
    const { weight, training } = lowering
    if (!training) {
      return normalize(lowering, weight('moving_mean'), weight('moving_variance'))
    }
    const { b, config, inputs } = lowering
    const channels = inputs[0]!.shape.slice(-1)
    const filled = (value: number) =>
      b.constant(new Float32Array(channels[0]!).fill(value), channels)
    const gamma = config.scale ? weight('gamma') : filled(1)
    const beta = config.center ? weight('beta') : filled(0)
    const [y, mean, variance] = b.batchNorm(inputs[0]!, gamma, beta, config.epsilon)
    move(lowering, 'moving_mean', mean)
    move(lowering, 'moving_variance', variance)
    return y
  },
} as const satisfies LayerDefinition<'BatchNormalization'>

type BatchNormalization = Lowering<'BatchNormalization'>

function move({ b, config, weight, assign }: BatchNormalization, name: string, batch: Tensor) {
  const kept = b.multiply(weight(name), b.scalar(config.momentum))
  assign(name, b.add(kept, b.multiply(batch, b.scalar(1 - config.momentum))))
}

function normalize(
  { b, config, inputs, weight }: BatchNormalization,
  mean: Tensor,
  variance: Tensor,
): Tensor {
  const deviation = b.rsqrt(b.add(variance, b.scalar(config.epsilon)))
  const scale = config.scale ? b.multiply(deviation, weight('gamma')) : deviation
  const lowered = b.multiply(mean, scale)
  const shift = config.center ? b.subtract(weight('beta'), lowered) : b.negative(lowered)
  return b.add(b.multiply(inputs[0]!, scale), shift)
}

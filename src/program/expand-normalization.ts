import type { Builder } from './builder.ts'
import type { Expansion } from './expand-composites.ts'
import { sizeOf, type Tensor } from './program.ts'
import { leadingAxes } from './shapes.ts'

export const NORMALIZATIONS: {
  readonly [N in 'batchNorm' | 'batchNormGradient']: Expansion<N>
} = {
  batchNorm: (b, [x, gamma, beta], { epsilon }) => {
    const axes = leadingAxes(x!.shape)
    const mean = b.reduceMean(x!, axes)
    const centered = b.subtract(x!, mean)
    const variance = b.reduceMean(b.square(centered), axes)
    const scale = b.multiply(gamma!, inverseDeviation(b, variance, epsilon))
    return [b.biasAdd(b.multiply(centered, scale), beta!), mean, variance]
  },

  /**
   * With xh = (x - mean) r, r = 1 / sqrt(variance + epsilon): dgamma = sum(dy xh), dbeta = sum(dy),
   * dx = gamma r (dy - mean(dy) - xh mean(dy xh)), whose factors by channel are taken together.
   */
  batchNormGradient: (b, [dy, x, gamma, mean, variance], { epsilon }) => {
    const axes = leadingAxes(x!.shape)
    const r = inverseDeviation(b, variance!, epsilon)
    const centered = b.subtract(x!, mean!)
    const dGamma = b.multiply(r, b.reduceSum(b.multiply(dy!, centered), axes))
    const dBeta = b.reduceSum(dy!, axes)
    const scale = b.multiply(gamma!, r)
    const share = b.multiply(scale, b.scalar(-x!.shape.at(-1)! / sizeOf(x!.shape)))
    const slope = b.multiply(centered, b.multiply(share, b.multiply(r, dGamma)))
    const level = b.multiply(share, dBeta)
    return [b.add(b.multiply(dy!, scale), b.biasAdd(slope, level)), dGamma, dBeta]
  },
}

function inverseDeviation(b: Builder, variance: Tensor, epsilon: number): Tensor {
  return b.rsqrt(b.add(variance, b.scalar(epsilon)))
}

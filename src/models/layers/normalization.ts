import { channelAffine } from '../affine.ts'
import { ONES, ZEROS, type LayerDefinition } from './definition.ts'

/** Keras' `backend.epsilon()`. */
const LEAST_DEVIATION = 1e-7

/**
 * `(x - mean) / sqrt(variance)` by channel (keras/src/layers/preprocessing/normalization.py). What was adapted to data is
 * a weight that training never changes.
 */
export const normalization = {
  defaults: { mean: undefined, variance: undefined },
  fixed: true,
  outputShape: (_, [input]) => input!,
  weights: ({ mean }, [input]) => {
    if (mean) return []
    const shape = [input!.at(-1)!]
    return [
      { name: 'mean', shape, initializer: ZEROS, trainable: false },
      { name: 'variance', shape, initializer: ONES, trainable: false },
      // How many examples it was adapted to.
      { name: 'count', shape: [], initializer: ZEROS, trainable: false },
    ]
  },
  lower: ({ b, config, inputs: [x], value }) => {
    const mean = config.mean ?? [...value('mean')]
    const variance = config.variance ?? [...value('variance')]
    const scale = variance.map((v) => 1 / Math.max(Math.sqrt(v), LEAST_DEVIATION))
    // One number stands for all channels.
    const of = (list: readonly number[], c: number) => list[c] ?? list[0]!
    const offset = (mean.length < scale.length ? scale : mean).map(
      (_, c) => -of(mean, c) * of(scale, c),
    )
    return channelAffine(b, x!, { scale, offset })
  },
} as const satisfies LayerDefinition<'Normalization'>

import type { LayerDefinition } from './definition.ts'
import { pooledShape } from './pooling.ts'

export const maxPooling2d = {
  defaults: { padding: 'valid' },
  outputShape: pooledShape,
  lower: ({ b, config, inputs }) =>
    b.maxPool(inputs[0]!, {
      size: config.poolSize,
      strides: config.strides,
      padding: config.padding,
    }),
} as const satisfies LayerDefinition<'MaxPooling2D'>

import type { LayerDefinition } from './definition.ts'
import { pooledShape } from './pooling.ts'

export const averagePooling2d = {
  defaults: { padding: 'valid' },
  outputShape: pooledShape,
  lower: ({ b, config, inputs }) =>
    b.avgPool(inputs[0]!, {
      size: config.poolSize,
      strides: config.strides,
      padding: config.padding,
    }),
} as const satisfies LayerDefinition<'AveragePooling2D'>

import type { LayerDefinition } from './definition.ts'
import { globallyPooledShape } from './pooling.ts'

export const globalAveragePooling2d = {
  defaults: { keepDims: false },
  outputShape: globallyPooledShape,
  lower: ({ b, config, inputs }) => b.reduceMean(inputs[0]!, [1, 2], config.keepDims),
} as const satisfies LayerDefinition<'GlobalAveragePooling2D'>

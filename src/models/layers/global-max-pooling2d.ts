import type { LayerDefinition } from './definition.ts'
import { globallyPooledShape } from './pooling.ts'

export const globalMaxPooling2d = {
  defaults: { keepDims: false },
  outputShape: globallyPooledShape,
  lower: ({ b, config, inputs }) => b.reduceMax(inputs[0]!, [1, 2], config.keepDims),
} as const satisfies LayerDefinition<'GlobalMaxPooling2D'>

import type { LayerDefinition } from './definition.ts'

export const inputLayer = {
  defaults: {},
  outputShape: ({ shape }) => shape,
  lower: () => {
    throw new TypeError('the tensor of an InputLayer is given, not computed')
  },
} as const satisfies LayerDefinition<'InputLayer'>

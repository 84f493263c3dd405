import type { LayerDefinition } from './definition.ts'

export const dropout = {
  defaults: {},
  random: true,
  outputShape: (_, [input]) => input!,
  lower: ({ b, config, inputs: [x], training, mask }) =>
    training && config.rate > 0 ? b.multiply(x!, mask(x!.shape)) : x!,
} as const satisfies LayerDefinition<'Dropout'>

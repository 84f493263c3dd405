import type { LayerDefinition } from './definition.ts'

/** In training a picture's values are all 0, or all divided by the chance of that they are not (keras/src/applications/convnext.py). */
export const stochasticDepth = {
  defaults: {},
  random: true,
  outputShape: (_, [input]) => input!,
  lower: ({ b, config: { dropPathRate }, inputs: [x], training, mask }) => {
    if (!training || dropPathRate === 0) return x!
    return b.multiply(x!, mask([x!.shape[0]!, ...x!.shape.slice(1).map(() => 1)], dropPathRate))
  },
} as const satisfies LayerDefinition<'StochasticDepth'>

import type { LayerDefinition } from './definition.ts'

export const leakyReLU = {
  defaults: { negativeSlope: 0.3 },
  outputShape: (_, [input]) => input!,
  lower: ({ b, config: { negativeSlope }, inputs: [x] }) => {
    const below = b.multiply(b.relu(b.negative(x!)), b.scalar(negativeSlope))
    return b.subtract(b.relu(x!), below)
  },
} as const satisfies LayerDefinition<'LeakyReLU'>

import type { LayerDefinition } from './definition.ts'

export const reLU = {
  defaults: { maxValue: undefined },
  outputShape: (_, [input]) => input!,
  lower: ({ b, config: { maxValue }, inputs: [x] }) => {
    if (maxValue === undefined) return b.relu(x!)
    return maxValue === 6 ? b.relu6(x!) : b.minimum(b.relu(x!), b.scalar(maxValue))
  },
} as const satisfies LayerDefinition<'ReLU'>

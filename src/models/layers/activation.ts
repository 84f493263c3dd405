import type { LayerDefinition } from './definition.ts'

export const activation = {
  defaults: {},
  outputShape: (_, [input]) => input!,
  lower: ({ config, inputs, activate }) => activate(config.activation, inputs[0]!),
} as const satisfies LayerDefinition<'Activation'>

import { elu as activation } from './activations.ts'
import type { LayerDefinition } from './definition.ts'

export const elu = {
  defaults: { alpha: 1 },
  outputShape: (_, [input]) => input!,
  lower: ({ b, config: { alpha }, inputs: [x] }) => activation(b, x!, alpha),
} as const satisfies LayerDefinition<'ELU'>

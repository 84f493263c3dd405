import { broadcastShape } from '../../program/op-table.ts'
import type { LayerDefinition } from './definition.ts'

export const minimum = {
  defaults: {},
  outputShape: (_, inputs) => inputs.reduce(broadcastShape),
  lower: ({ b, inputs }) => inputs.reduce((x, y) => b.minimum(x, y)),
} as const satisfies LayerDefinition<'Minimum'>

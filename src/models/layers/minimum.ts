import { broadcastShape } from '../../program/shapes.ts'
import type { LayerDefinition } from './definition.ts'

export const minimum = {
  defaults: {},
  outputShape: (_, inputs) => inputs.reduce(broadcastShape),
  lower: ({ b, inputs }) => inputs.reduce((x, y) => b.minimum(x, y)),
} as const satisfies LayerDefinition<'Minimum'>

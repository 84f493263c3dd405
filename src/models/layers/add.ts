import { broadcastShape } from '../../program/shapes.ts'
import type { LayerDefinition } from './definition.ts'

/** Axes of length 1 are repeated. */
export const add = {
  defaults: {},
  outputShape: (_, inputs) => inputs.reduce(broadcastShape),
  lower: ({ b, inputs }) => inputs.reduce((sum, x) => b.add(sum, x)),
} as const satisfies LayerDefinition<'Add'>

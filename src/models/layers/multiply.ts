import { broadcastShape } from '../../program/shapes.ts'
import type { LayerDefinition } from './definition.ts'

/** Axes of length 1 are repeated. */
export const multiply = {
  defaults: {},
  outputShape: (_, inputs) => inputs.reduce(broadcastShape),
  lower: ({ b, inputs }) => inputs.reduce((product, x) => b.multiply(product, x)),
} as const satisfies LayerDefinition<'Multiply'>

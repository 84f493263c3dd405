import { broadcastShape, Misfit } from '../../program/shapes.ts'
import type { LayerDefinition } from './definition.ts'

/** The first of two less the second. */
export const subtract = {
  defaults: {},
  outputShape: (_, inputs) => {
    if (inputs.length !== 2) throw new Misfit(`Subtract takes two inputs, got ${inputs.length}`)
    return inputs.reduce(broadcastShape)
  },
  lower: ({ b, inputs }) => b.subtract(inputs[0]!, inputs[1]!),
} as const satisfies LayerDefinition<'Subtract'>

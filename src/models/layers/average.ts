import { broadcastShape } from '../../program/shapes.ts'
import type { LayerDefinition } from './definition.ts'

export const average = {
  defaults: {},
  outputShape: (_, inputs) => inputs.reduce(broadcastShape),
  lower: ({ b, inputs }) => {
    const sum = inputs.reduce((total, x) => b.add(total, x))
    return b.multiply(sum, b.scalar(1 / inputs.length))
  },
} as const satisfies LayerDefinition<'Average'>

import { sizeOf } from '../../program/program.ts'
import type { LayerDefinition } from './definition.ts'

export const flatten = {
  defaults: {},
  outputShape: (_, [input]) => [sizeOf(input!)],
  lower: ({ b, inputs: [x] }) => b.reshape(x!, [x!.shape[0]!, sizeOf(x!.shape.slice(1))]),
} as const satisfies LayerDefinition<'Flatten'>

import { Misfit } from '../../program/shapes.ts'
import type { LayerDefinition } from './definition.ts'

/** Along the last axis. */
export const concatenate = {
  defaults: {},
  outputShape: (_, inputs) => {
    const [first] = inputs
    const outer = first!.slice(0, -1)
    if (inputs.some((shape) => shape.slice(0, -1).join() !== outer.join())) {
      throw new Misfit(`Concatenate of ${inputs.map((s) => `[${s}]`).join(' and ')}`)
    }
    return [...outer, inputs.reduce((sum, shape) => sum + shape.at(-1)!, 0)]
  },
  lower: ({ b, inputs }) => b.concat(inputs, inputs[0]!.shape.length - 1),
} as const satisfies LayerDefinition<'Concatenate'>

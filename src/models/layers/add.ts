import type { LayerDefinition } from './definition.ts'

export const add = {
  defaults: {},
  outputShape: (_, inputs) => {
    const [first] = inputs
    if (inputs.some((shape) => shape.join() !== first!.join())) {
      throw new TypeError(`Add of ${inputs.map((s) => `[${s}]`).join(' and ')}`)
    }
    return first!
  },
  lower: ({ b, inputs }) => inputs.reduce((sum, x) => b.add(sum, x)),
} as const satisfies LayerDefinition<'Add'>

import { trainable, ZEROS, type LayerDefinition } from './definition.ts'

/** The slope below 0 is a weight, one for each place and channel but for the axes that share theirs. */
export const pReLU = {
  defaults: { sharedAxes: [] },
  outputShape: (_, [input]) => input!,
  weights: ({ sharedAxes }, [input]) => {
    // Axes count from the batch's.
    const shape = input!.map((size, i) => (sharedAxes.includes(i + 1) ? 1 : size))
    return [trainable('alpha', shape, ZEROS)]
  },
  lower: ({ b, inputs: [x], weight }) =>
    b.subtract(b.relu(x!), b.multiply(weight('alpha'), b.relu(b.negative(x!)))),
} as const satisfies LayerDefinition<'PReLU'>

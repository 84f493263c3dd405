import { trainable, type LayerDefinition } from './definition.ts'

/** A factor by channel (keras/src/applications/convnext.py). Keras gives its weight an automatic name: here `gamma`, as the attribute is called. */
export const layerScale = {
  defaults: {},
  outputShape: (_, [input]) => input!,
  weights: ({ initValues, projectionDim }) => [
    trainable('gamma', [projectionDim], { name: 'Constant', value: initValues }),
  ],
  lower: ({ b, inputs: [x], weight }) => b.multiply(x!, weight('gamma')),
} as const satisfies LayerDefinition<'LayerScale'>

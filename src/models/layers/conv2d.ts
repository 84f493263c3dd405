import { CONVOLUTION_DEFAULTS, convolvedShape, finish, paddedInput } from './convolution.ts'
import { imageOf, trainable, ZEROS, type LayerDefinition } from './definition.ts'

export const conv2d = {
  defaults: CONVOLUTION_DEFAULTS,
  outputShape: (config, inputs) => convolvedShape(config, inputs, config.filters),
  weights: ({ filters, kernelSize, useBias, kernelInitializer }, inputs) => {
    const kernel = [...kernelSize, imageOf(inputs)[2], filters]
    return [
      trainable('kernel', kernel, kernelInitializer),
      ...(useBias ? [trainable('bias', [filters], ZEROS)] : []),
    ]
  },
  foldsInto: 'kernel',
  lower: (lowering) => {
    const { b, config, inputs, weight } = lowering
    const [x, attributes] = paddedInput(inputs[0]!, config)
    return finish(lowering, config, b.conv2d(x, weight('kernel'), attributes))
  },
} as const satisfies LayerDefinition<'Conv2D'>

import { CONVOLUTION_DEFAULTS, convolvedShape, finish, paddedInput } from './convolution.ts'
import { imageOf, trainable, ZEROS, type LayerDefinition } from './definition.ts'

export const depthwiseConv2d = {
  defaults: { ...CONVOLUTION_DEFAULTS, depthMultiplier: 1 },
  outputShape: (config, inputs) =>
    convolvedShape(config, inputs, imageOf(inputs)[2] * config.depthMultiplier),
  weights: ({ depthMultiplier, kernelSize, useBias, kernelInitializer }, inputs) => {
    const channels = imageOf(inputs)[2]
    return [
      trainable('kernel', [...kernelSize, channels, depthMultiplier], kernelInitializer),
      ...(useBias ? [trainable('bias', [channels * depthMultiplier], ZEROS)] : []),
    ]
  },
  foldsInto: 'kernel',
  lower: (lowering) => {
    const { b, config, inputs, weight } = lowering
    const [x, attributes] = paddedInput(inputs[0]!, config)
    return finish(lowering, config, b.depthwiseConv2d(x, weight('kernel'), attributes))
  },
} as const satisfies LayerDefinition<'DepthwiseConv2D'>

import { CONVOLUTION_DEFAULTS, convolvedShape, finish, paddedInput } from './convolution.ts'
import { GLOROT, imageOf, trainable, ZEROS, type LayerDefinition } from './definition.ts'

export const separableConv2d = {
  defaults: { ...CONVOLUTION_DEFAULTS, depthMultiplier: 1, pointwiseInitializer: GLOROT },
  outputShape: (config, inputs) => convolvedShape(config, inputs, config.filters),
  weights: (config, inputs) => {
    const { filters, kernelSize, depthMultiplier, kernelInitializer, pointwiseInitializer } = config
    const channels = imageOf(inputs)[2]
    const pointwise = [1, 1, channels * depthMultiplier, filters]
    return [
      trainable('depthwise_kernel', [...kernelSize, channels, depthMultiplier], kernelInitializer),
      trainable('pointwise_kernel', pointwise, pointwiseInitializer),
      ...(config.useBias ? [trainable('bias', [filters], ZEROS)] : []),
    ]
  },
  foldsInto: 'pointwise_kernel',
  lower: (lowering) => {
    const { b, config, inputs, weight } = lowering
    const [x, attributes] = paddedInput(inputs[0]!, config)
    const depthwise = b.depthwiseConv2d(x, weight('depthwise_kernel'), attributes)
    const pointwise = b.conv2d(depthwise, weight('pointwise_kernel'), {
      strides: [1, 1],
      padding: 'valid',
      dilations: [1, 1],
    })
    return finish(lowering, config, pointwise)
  },
} as const satisfies LayerDefinition<'SeparableConv2D'>

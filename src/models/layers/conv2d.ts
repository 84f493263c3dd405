import type { ConvAttributes } from '../../program/ops.ts'
import type { Tensor } from '../../program/program.ts'
import { Misfit } from '../../program/shapes.ts'
import { CONVOLUTION_DEFAULTS, convolvedShape, finish, paddedInput } from './convolution.ts'
import { imageOf, trainable, ZEROS, type LayerDefinition, type Lowering } from './definition.ts'

export const conv2d = {
  defaults: { ...CONVOLUTION_DEFAULTS, groups: 1 },
  outputShape: (config, inputs) => convolvedShape(config, inputs, config.filters),
  weights: ({ filters, groups, kernelSize, useBias, kernelInitializer }, inputs) => {
    const channels = imageOf(inputs)[2]
    if (channels % groups !== 0 || filters % groups !== 0) {
      throw new Misfit(`${channels} channels and ${filters} filters in ${groups} groups`)
    }
    return [
      trainable('kernel', [...kernelSize, channels / groups, filters], kernelInitializer),
      ...(useBias ? [trainable('bias', [filters], ZEROS)] : []),
    ]
  },
  foldsInto: 'kernel',
  lower: (lowering) => {
    const { b, config, inputs, weight } = lowering
    const [x, attributes] = paddedInput(inputs[0]!, config)
    const convolved =
      config.groups === 1
        ? b.conv2d(x, weight('kernel'), attributes)
        : inGroups(lowering, x, attributes)
    return finish(lowering, config, convolved)
  },
} as const satisfies LayerDefinition<'Conv2D'>

/** A depthwise convolution where each group is of one channel (the kernel's values lie as that one's), else one by one. */
function inGroups(
  { b, config: { groups, filters }, weight }: Lowering<'Conv2D'>,
  x: Tensor,
  attributes: ConvAttributes,
): Tensor {
  const kernel = weight('kernel')
  const [kh, kw, width] = kernel.shape as [number, number, number, number]
  const each = filters / groups
  if (width === 1) {
    return b.depthwiseConv2d(x, b.reshape(kernel, [kh, kw, groups, each]), attributes)
  }
  const parts = Array.from({ length: groups }, (_, i) => {
    const channels = b.slice(x, [0, 0, 0, i * width], [...x.shape.slice(0, 3), width])
    const share = b.slice(kernel, [0, 0, 0, i * each], [kh, kw, width, each])
    return b.conv2d(channels, share, attributes)
  })
  return b.concat(parts, 3)
}

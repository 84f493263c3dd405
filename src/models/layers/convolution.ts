import { windows } from '../../program/shapes.ts'
import type { ConvAttributes } from '../../program/ops.ts'
import type { Shape, Tensor } from '../../program/program.ts'
import type { ConvConfig, LayerKind } from '../layer-graph.ts'
import { GLOROT, imageOf, type Lowering } from './definition.ts'

/** What Conv2D, DepthwiseConv2D and SeparableConv2D share. */
export const CONVOLUTION_DEFAULTS = {
  strides: [1, 1],
  padding: 'valid',
  useBias: true,
  activation: 'linear',
  kernelInitializer: GLOROT,
} as const satisfies Partial<ConvConfig>

export function convolvedShape(
  config: ConvConfig,
  inputs: readonly Shape[],
  filters: number,
): Shape {
  const [height, width] = imageOf(inputs)
  return [...windows([height, width], config.kernelSize, config.strides, config.padding), filters]
}

/**
 * The input and the padding to convolve with. Keras' strided layers are often a ZeroPadding2D and a `valid`
 * convolution that together are a `same` one (`correct_pad` in keras/src/applications/imagenet_utils.py): then the
 * padded copy is not made.
 */
export function paddedInput(
  x: Tensor,
  { kernelSize, strides, padding }: Pick<ConvConfig, 'kernelSize' | 'strides' | 'padding'>,
): [Tensor, ConvAttributes] {
  const attributes: ConvAttributes = { strides, padding, dilations: [1, 1] }
  if (padding === 'same' || x.node.op !== 'pad') return [x, attributes]
  const pad = x.node.attributes as {
    padding: readonly (readonly [number, number])[]
    value: number
  }
  const inner = x.node.inputs[0]!
  const same = [0, 1].every((axis) => {
    const size = inner.shape[axis + 1]!
    const [before, after] = pad.padding[axis + 1]!
    const stride = strides[axis as 0 | 1]
    const total = (Math.ceil(size / stride) - 1) * stride + kernelSize[axis as 0 | 1] - size
    return total >= 0 && before === Math.floor(total / 2) && after === total - before
  })
  return same && pad.value === 0 ? [inner, { ...attributes, padding: 'same' }] : [x, attributes]
}

/** Bias and activation, where there are any. */
export function finish<Kind extends LayerKind>(
  { b, bias, activate }: Pick<Lowering<Kind>, 'b' | 'bias' | 'activate'>,
  config: ConvConfig,
  x: Tensor,
): Tensor {
  const offset = bias()
  return activate(config.activation, offset ? b.biasAdd(x, offset) : x)
}

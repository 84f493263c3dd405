import type { ConvAttributes, PoolAttributes } from '../../program/ops.ts'
import type { Emission, Emitters } from './emit.ts'
import type { Handle } from './tfjs.ts'

/** Convolutions and matrix products with what is fused into them, pools, and the gradients that tfjs has right. */
export const WINDOWS: Emitters<
  | 'matMul'
  | 'conv2d'
  | 'depthwiseConv2d'
  | 'conv2dInputGradient'
  | 'conv2dKernelGradient'
  | 'depthwiseConv2dInputGradient'
  | 'depthwiseConv2dKernelGradient'
  | 'maxPool'
  | 'avgPool'
> = {
  matMul(e) {
    const [a, b] = e.inputs.map((x) => e.view(x, [1, ...x.shape]))
    const { attributes, fused } = e
    const { bias, activation } = fused
    const product = bias
      ? e.run('_FusedMatMul', { a, b, bias }, { ...attributes, ...activated(activation) })
      : e.run('_FusedMatMul', { a, b }, { ...attributes, ...activated(activation) })
    return e.view(product, e.output.shape)
  },

  conv2d: (e) => convolution(e, 'FusedConv2D'),
  depthwiseConv2d: (e) =>
    e.attributes.dilations.every((d) => d === 1)
      ? convolution(e, 'FusedDepthwiseConv2D')
      : dilatedDepthwise(e),

  conv2dInputGradient: ({ run, inputs: [dy, filter], attributes: a }) =>
    run('Conv2DBackpropInput', { dy, filter }, { ...windowOf(a), inputShape: a.inputShape }),
  conv2dKernelGradient: ({ run, inputs: [x, dy], attributes: a }) =>
    run('Conv2DBackpropFilter', { x, dy }, { ...windowOf(a), filterShape: a.kernelShape }),
  depthwiseConv2dInputGradient: ({ run, inputs: [dy, filter], attributes: a }) =>
    run(
      'DepthwiseConv2dNativeBackpropInput',
      { dy, filter },
      { ...windowOf(a), inputShape: a.inputShape },
    ),
  depthwiseConv2dKernelGradient: ({ run, inputs: [x, dy], attributes: a }) =>
    run(
      'DepthwiseConv2dNativeBackpropFilter',
      { x, dy },
      { ...windowOf(a), filterShape: a.kernelShape },
    ),

  maxPool: (e) => pool(e, 'MaxPool'),
  avgPool: (e) => pool(e, 'AvgPool'),
}

function convolution(e: Emission<'conv2d'> | Emission<'depthwiseConv2d'>, kernel: string): Handle {
  const [x, filter] = e.inputs
  const { bias, activation, padding } = e.fused
  const window = windowOf(e.attributes)
  const pad = padding ? [[0, 0], ...padding, [0, 0]] : window.pad
  return e.run(kernel, { x, filter, bias }, { ...window, pad, ...activated(activation) })
}

/** The fused kernel refuses strides and dilations together, the plain one does not. */
function dilatedDepthwise(e: Emission<'depthwiseConv2d'>): Handle {
  const { bias, activation } = e.fused
  const sum = convolution({ ...e, fused: { padding: e.fused.padding } }, 'DepthwiseConv2dNative')
  const biased = bias ? e.run('Add', { a: sum, b: bias }) : sum
  if (!activation) return biased
  return e.run(activation === 'relu' ? 'Relu' : 'Relu6', { x: biased })
}

function pool(e: Emission<'maxPool'> | Emission<'avgPool'>, kernel: string): Handle {
  const { size, strides, padding } = e.attributes as PoolAttributes
  return e.run(kernel, { x: e.inputs[0]! }, { filterSize: size, strides, pad: padding })
}

function windowOf({ strides, padding, dilations }: ConvAttributes) {
  return { strides, pad: padding, dilations, dataFormat: 'NHWC' }
}

function activated(activation: 'relu' | 'relu6' | undefined): { activation: string } {
  return { activation: activation ?? 'linear' }
}

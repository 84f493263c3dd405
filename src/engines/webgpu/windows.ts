import type { ConvAttributes, PoolAttributes } from '../../program/ops.ts'
import type { Emission, Emitters } from './emit.ts'
import { matMulProgram, partsOf } from './matmul.ts'
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
  matMul,

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

function matMul(e: Emission<'matMul'>): Handle {
  const { transposeA, transposeB } = e.attributes
  const { bias, activation } = e.fused
  const [m, n] = e.output.shape as [number, number]
  const inner = e.inputs[0]!.shape[transposeA ? 0 : 1]!
  // Where both have it first, as in gradients of kernels, parts of it are a view.
  const parts = transposeA && !transposeB && !bias && !activation ? partsOf(inner, m * n) : 1
  const [a, b] = e.inputs.map((x) => e.view(x, [parts, x.shape[0]! / parts, x.shape[1]!]))
  const attrs = { transposeA, transposeB, ...activated(activation) }
  const product = e.withMatMul(matMulProgram(parts, [m, inner, n]), () =>
    e.run('_FusedMatMul', { a, b, bias }, attrs),
  )
  return e.view(parts > 1 ? e.sum(product, [1, parts, m * n]) : product, e.output.shape)
}

function convolution(e: Emission<'conv2d'> | Emission<'depthwiseConv2d'>, kernel: string): Handle {
  const [x, filter] = e.inputs
  const { bias, activation, padding } = e.fused
  const window = windowOf(e.attributes)
  const pad = padding ? [[0, 0], ...padding, [0, 0]] : window.pad
  const [batch, height, width] = e.output.shape as [number, number, number]
  const [kh, kw, channels, columns] = filter!.shape as [number, number, number, number]
  return e.withMatMul(matMulProgram(batch, [height * width, kh * kw * channels, columns]), () =>
    e.run(kernel, { x, filter, bias }, { ...window, pad, ...activated(activation) }),
  )
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

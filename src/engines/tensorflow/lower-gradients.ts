import { ACTIVATIONS, type ActivationName } from '../../program/expand-activations.ts'
import type { CompositeName } from '../../program/expand-composites.ts'
import type { ConvAttributes } from '../../program/ops.ts'
import type { Node, Shape } from '../../program/program.ts'
import type { AttrValue } from './graph-def.ts'
import { convolution, FLOAT, pool, reshape, type LowerOp } from './lower-op.ts'
import { batchNormGradient, isOfForward } from './lower-normalization.ts'
import type { NodeWriter } from './node-writer.ts'

/** The gradients that TensorFlow has kernels for; see `hasKernel`. */
export const LOWER_GRADIENTS: {
  readonly [
    Name in Exclude<Extract<CompositeName, `${string}Gradient`>, ActivationName>
  ]: LowerOp<Name>
} = {
  conv2dInputGradient: (w, [dy, kernel], { inputs, attributes: a }) => {
    const kernelShape = inputs[1]!.shape
    const [, , ci, co] = kernelShape as [number, number, number, number]
    if (!isPointwise(kernelShape, a)) {
      return w.add('Conv2DBackpropInput', [w.integers(a.inputShape), kernel, dy], convolution(a))
    }
    const matrix = reshape(w, kernel!, [ci, co])
    const product = matMul(w, reshape(w, dy!, [-1, co]), matrix, { transpose_b: { b: true } })
    return reshape(w, product, a.inputShape)
  },
  conv2dKernelGradient: (w, [x, dy], { attributes: a }) => {
    const [, , ci, co] = a.kernelShape as [number, number, number, number]
    if (!isPointwise(a.kernelShape, a)) {
      return w.add('Conv2DBackpropFilter', [x, w.integers(a.kernelShape), dy], convolution(a))
    }
    const rows = [reshape(w, x!, [-1, ci]), reshape(w, dy!, [-1, co])] as const
    return reshape(w, matMul(w, ...rows, { transpose_a: { b: true } }), a.kernelShape)
  },
  depthwiseConv2dInputGradient: (w, [dy, kernel], { attributes: a }) =>
    w.add(
      'DepthwiseConv2dNativeBackpropInput',
      [w.integers(a.inputShape), kernel, dy],
      convolution(a),
    ),
  depthwiseConv2dKernelGradient: (w, [x, dy], { attributes: a }) =>
    w.add(
      'DepthwiseConv2dNativeBackpropFilter',
      [x, w.integers(a.kernelShape), dy],
      convolution(a),
    ),
  maxPoolGradient: (w, [dy, x, y], { attributes: a }) => w.add('MaxPoolGrad', [x, y, dy], pool(a)),
  avgPoolGradient: (w, [dy], { attributes: a }) =>
    w.add('AvgPoolGrad', [w.integers(a.inputShape), dy], pool(a)),
  batchNormGradient,
}

/** Then a matrix product is as quick as the convolutions' own gradients, or a little quicker. */
function isPointwise(kernel: Shape, { strides }: ConvAttributes): boolean {
  return [kernel[0], kernel[1], ...strides].every((n) => n === 1)
}

function matMul(w: NodeWriter, x: string, y: string, transposed: Record<string, AttrValue>) {
  const upright = { transpose_a: { b: false }, transpose_b: { b: false } }
  return w.add('MatMul', [x, y], { ...FLOAT, ...upright, ...transposed })
}

/**
 * Not for dilated windows (on a CPU), nor for depthwise ones whose strides differ, nor for a normalization by
 * statistics that come from elsewhere.
 */
export function hasKernel(node: Node<CompositeName>): boolean {
  if (node.op === 'batchNormGradient') return isOfForward(node as Node<'batchNormGradient'>)
  if (node.op in ACTIVATIONS) return false
  if (!node.op.includes('onv2d')) return true
  const { strides, dilations } = node.attributes as ConvAttributes
  if (dilations.some((d) => d > 1)) return false
  return node.op.startsWith('conv2d') || strides[0] === strides[1]
}

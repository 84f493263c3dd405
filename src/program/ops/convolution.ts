import { perInput, type OpDefinitions } from '../op.ts'
import type { ConvAttributes } from '../ops.ts'
import type { Shape, TensorType } from '../program.ts'
import { check, image, type, windows } from '../shapes.ts'

/** Convolutions and, as ops of their own, their gradients. */
export const CONVOLUTION: OpDefinitions<
  | 'conv2d'
  | 'depthwiseConv2d'
  | 'conv2dInputGradient'
  | 'depthwiseConv2dInputGradient'
  | 'conv2dKernelGradient'
  | 'depthwiseConv2dKernelGradient'
> = {
  conv2d: {
    infer: ([x, kernel], a) => [type(convolved('conv2d', x!.shape, kernel!.shape, a))],
    gradient: perInput((b, dy, { inputs: [x, kernel], attributes: a }) => [
      () => b.conv2dInputGradient(dy, kernel!, { ...a, inputShape: x!.shape }),
      () => b.conv2dKernelGradient(x!, dy, { ...a, kernelShape: kernel!.shape }),
    ]),
  },
  depthwiseConv2d: {
    infer: ([x, kernel], a) => [type(convolved('depthwiseConv2d', x!.shape, kernel!.shape, a))],
    gradient: perInput((b, dy, { inputs: [x, kernel], attributes: a }) => [
      () => b.depthwiseConv2dInputGradient(dy, kernel!, { ...a, inputShape: x!.shape }),
      () => b.depthwiseConv2dKernelGradient(x!, dy, { ...a, kernelShape: kernel!.shape }),
    ]),
  },
  conv2dInputGradient: {
    infer: ([dy, kernel], a) => inputGradient('conv2d', dy!, kernel!, a),
  },
  depthwiseConv2dInputGradient: {
    infer: ([dy, kernel], a) => inputGradient('depthwiseConv2d', dy!, kernel!, a),
  },
  conv2dKernelGradient: {
    infer: ([x, dy], a) => kernelGradient('conv2d', x!, dy!, a),
  },
  depthwiseConv2dKernelGradient: {
    infer: ([x, dy], a) => kernelGradient('depthwiseConv2d', x!, dy!, a),
  },
}

type Convolution = 'conv2d' | 'depthwiseConv2d'

function convolved(op: Convolution, x: Shape, kernel: Shape, a: ConvAttributes): Shape {
  const [n, h, w, c] = image(x)
  const [kh, kw, ci, last] = image(kernel)
  check(c === ci, `${op} of ${c} channels with a kernel for ${ci}`)
  const out = op === 'conv2d' ? last : c * last
  return [n, ...windows([h, w], [kh, kw], a.strides, a.padding, a.dilations), out]
}

function inputGradient(
  op: Convolution,
  dy: TensorType,
  kernel: TensorType,
  { inputShape, ...a }: ConvAttributes & { inputShape: Shape },
): TensorType[] {
  const want = convolved(op, inputShape, kernel.shape, a)
  check(dy.shape.join() === want.join(), `a gradient of [${dy.shape}] for [${want}] of a ${op}`)
  return [type(inputShape)]
}

function kernelGradient(
  op: Convolution,
  x: TensorType,
  dy: TensorType,
  { kernelShape, ...a }: ConvAttributes & { kernelShape: Shape },
): TensorType[] {
  const want = convolved(op, x.shape, kernelShape, a)
  check(dy.shape.join() === want.join(), `a gradient of [${dy.shape}] for [${want}] of a ${op}`)
  return [type(kernelShape)]
}

import type { Builder } from './builder.ts'
import type { Expansion } from './expand-composites.ts'
import type { ConvAttributes } from './ops.ts'
import { sizeOf, type Tensor } from './program.ts'
import { Sliding } from './sliding.ts'

type Name =
  | 'conv2dInputGradient'
  | 'depthwiseConv2dInputGradient'
  | 'conv2dKernelGradient'
  | 'depthwiseConv2dKernelGradient'

/**
 * A kernel with so few numbers for an output channel (a network's first one) gets its gradient by one product of all
 * cells together: nine of three rows each cost four times as much. A copy of the input for each cell is small there.
 */
const TOGETHER = 64

/** Gradients of convolutions by convolutions, matrix products and sums. */
export const GRADIENTS_OF_CONVOLUTIONS: { readonly [N in Name]: Expansion<N> } = {
  conv2dInputGradient: (b, [dy, kernel], { inputShape, ...a }) => {
    const [kh, kw, ci, co] = kernel!.shape as [number, number, number, number]
    const sliding = new Sliding(inputShape, [kh, kw], a)
    if (kh === 1 && kw === 1) {
      const product = b.matMul(rows(b, dy!), b.reshape(kernel!, [ci, co]), false, true)
      return [sliding.spread(b, b.reshape(product, [...dy!.shape.slice(0, 3), ci]))]
    }
    const turned = b.transpose(turn(b, kernel!), [0, 1, 3, 2])
    return [b.conv2d(sliding.spread(b, dy!), turned, inside(a))]
  },

  depthwiseConv2dInputGradient: (b, [dy, kernel], { inputShape, ...a }) => {
    const [kh, kw, c, multiplier] = kernel!.shape as [number, number, number, number]
    const sliding = new Sliding(inputShape, [kh, kw], a)
    const turned = b.reshape(turn(b, kernel!), [kh, kw, c * multiplier, 1])
    const each = b.depthwiseConv2d(sliding.spread(b, dy!), turned, inside(a))
    if (multiplier === 1) return [each]
    return [b.reduceSum(b.reshape(each, [...inputShape, multiplier]), [4])]
  },

  // A cell of the kernel has met the inputs under it, window by window.
  conv2dKernelGradient: (b, [x, dy], { kernelShape, ...a }) => {
    const [kh, kw, ci, co] = kernelShape as [number, number, number, number]
    const sliding = new Sliding(x!.shape, [kh, kw], a)
    const padded = sliding.padded(b, x!)
    const slopes = rows(b, dy!)
    const inputs = sliding.cells.map((cell) => sliding.under(b, padded, cell))
    const products =
      kh * kw * ci <= TOGETHER
        ? b.matMul(rows(b, b.concat(inputs, 3)), slopes, true)
        : b.concat(
            inputs.map((input) => b.matMul(rows(b, input), slopes, true)),
            0,
          )
    return [b.reshape(products, [kh, kw, ci, co])]
  },

  depthwiseConv2dKernelGradient: (b, [x, dy], { kernelShape, ...a }) => {
    const [kh, kw, c, multiplier] = kernelShape as [number, number, number, number]
    const sliding = new Sliding(x!.shape, [kh, kw], a)
    const padded = sliding.padded(b, x!)
    const places = sizeOf(dy!.shape.slice(0, 3))
    const slopes = b.reshape(dy!, [places, c, multiplier])
    const cells = sliding.cells.map((cell) => {
      const under = b.reshape(sliding.under(b, padded, cell), [places, c, 1])
      return b.reduceSum(b.multiply(slopes, under), [0])
    })
    return [b.reshape(b.concat(cells, 0), [kh, kw, c, multiplier])]
  },
}

/** [n, h, w, c] as a matrix [n h w, c]. */
function rows(b: Builder, x: Tensor): Tensor {
  return b.reshape(x, [sizeOf(x.shape.slice(0, 3)), x.shape[3]!])
}

/** A kernel turned by 180 degrees. */
function turn(b: Builder, kernel: Tensor): Tensor {
  return reverse(b, reverse(b, kernel, 0), 1)
}

function reverse(b: Builder, x: Tensor, axis: number): Tensor {
  const slices = Array.from({ length: x.shape[axis]! }, (_, i) =>
    b.slice(
      x,
      x.shape.map((n, other) => (other === axis ? n - 1 - i : 0)),
      x.shape.with(axis, 1),
    ),
  )
  return b.concat(slices, axis)
}

function inside({ dilations }: ConvAttributes): ConvAttributes {
  return { strides: [1, 1], padding: 'valid', dilations }
}

import { perInput, type OpDefinitions } from '../op.ts'
import type { OpAttributes } from '../ops.ts'
import type { Shape, TensorType } from '../program.ts'
import { check, image, matrix, type, windows } from '../shapes.ts'

/** Matrices, convolutions and pools. */
export const LINEAR: OpDefinitions<
  'matMul' | 'biasAdd' | 'conv2d' | 'depthwiseConv2d' | 'maxPool' | 'avgPool'
> = {
  matMul: {
    infer: ([x, y], { transposeA, transposeB }) => {
      const [m, k] = matrix(x!.shape, transposeA)
      const [l, n] = matrix(y!.shape, transposeB)
      check(k === l, `matMul of [${x!.shape}] and [${y!.shape}]`)
      return [type([m, n])]
    },
    // c = op(a) op(b): d op(a) = dc op(b)', d op(b) = op(a)' dc; where op transposes, so does its gradient.
    gradient: perInput((b, dy, { inputs: [x, y], attributes: { transposeA, transposeB } }) => [
      () =>
        transposeA ? b.matMul(y!, dy, transposeB, true) : b.matMul(dy, y!, false, !transposeB),
      () =>
        transposeB ? b.matMul(dy, x!, true, transposeA) : b.matMul(x!, dy, !transposeA, false),
    ]),
  },
  biasAdd: {
    infer: ([x, bias]) => {
      check(
        bias!.shape.length === 1 && x!.shape.at(-1) === bias!.shape[0],
        `biasAdd of [${x!.shape}] and [${bias!.shape}]`,
      )
      return [type(x!.shape)]
    },
    gradient: perInput((b, dy) => [() => dy, () => b.reduceSum(dy, leading(dy.shape))]),
  },
  conv2d: {
    infer: ([x, kernel], a) => {
      const [n, h, w, c] = image(x!.shape)
      const [kh, kw, ci, co] = image(kernel!.shape)
      check(c === ci, `conv2d of ${c} channels with a kernel for ${ci}`)
      return [type([n, ...windows([h, w], [kh, kw], a.strides, a.padding, a.dilations), co])]
    },
  },
  depthwiseConv2d: {
    infer: ([x, kernel], a) => {
      const [n, h, w, c] = image(x!.shape)
      const [kh, kw, ci, multiplier] = image(kernel!.shape)
      check(c === ci, `depthwiseConv2d of ${c} channels with a kernel for ${ci}`)
      return [
        type([n, ...windows([h, w], [kh, kw], a.strides, a.padding, a.dilations), c * multiplier]),
      ]
    },
  },
  maxPool: { infer: ([x], a) => [pooled(x!.shape, a)] },
  avgPool: { infer: ([x], a) => [pooled(x!.shape, a)] },
}

function pooled(shape: Shape, a: OpAttributes['maxPool']): TensorType {
  const [n, h, w, c] = image(shape)
  return type([n, ...windows([h, w], a.size, a.strides, a.padding), c])
}

/** All axes but the last. */
function leading(shape: Shape): number[] {
  return shape.slice(1).map((_, i) => i)
}

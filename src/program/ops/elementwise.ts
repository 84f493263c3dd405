import { perInput, type OpDefinitions } from '../op.ts'
import { check, type } from '../shapes.ts'
import type { TensorType } from '../program.ts'

const same = ([x]: readonly TensorType[]): TensorType[] => [type(x!.shape)]
const masked = ([dy, x]: readonly TensorType[]): TensorType[] => {
  check(dy!.shape.join() === x!.shape.join(), `a mask [${x!.shape}] for [${dy!.shape}]`)
  return [type(x!.shape)]
}

/**
 * One input, element by element. Gradients are told from the output where they can be, so that the input
 * (a convolution's sum, fused with its activation) need not be kept for them.
 */
export const ELEMENTWISE: OpDefinitions<
  | 'relu'
  | 'relu6'
  | 'sigmoid'
  | 'tanh'
  | 'softplus'
  | 'exp'
  | 'log'
  | 'sqrt'
  | 'rsqrt'
  | 'square'
  | 'negative'
  | 'reluGradient'
  | 'relu6Gradient'
  | 'cast'
> = {
  relu: {
    infer: same,
    gradient: perInput((b, dy, { output: y }) => [() => b.reluGradient(dy, y)]),
  },
  relu6: {
    infer: same,
    gradient: perInput((b, dy, { output: y }) => [() => b.relu6Gradient(dy, y)]),
  },
  sigmoid: {
    infer: same,
    gradient: perInput((b, dy, { output: y }) => [
      () => b.multiply(dy, b.multiply(y, b.subtract(b.scalar(1), y))),
    ]),
  },
  tanh: {
    infer: same,
    gradient: perInput((b, dy, { output: y }) => [
      () => b.multiply(dy, b.subtract(b.scalar(1), b.square(y))),
    ]),
  },
  softplus: {
    infer: same,
    gradient: perInput((b, dy, { inputs: [x] }) => [() => b.multiply(dy, b.sigmoid(x!))]),
  },
  exp: {
    infer: same,
    gradient: perInput((b, dy, { output: y }) => [() => b.multiply(dy, y)]),
  },
  log: {
    infer: same,
    gradient: perInput((b, dy, { inputs: [x] }) => [() => b.divide(dy, x!)]),
  },
  sqrt: {
    infer: same,
    gradient: perInput((b, dy, { output: y }) => [
      () => b.divide(b.multiply(dy, b.scalar(0.5)), y),
    ]),
  },
  rsqrt: {
    // d x^-1/2 = -1/2 x^-3/2, and x^-3/2 is the output cubed.
    infer: same,
    gradient: perInput((b, dy, { output: y }) => [
      () => b.multiply(b.multiply(dy, b.scalar(-0.5)), b.multiply(y, b.square(y))),
    ]),
  },
  square: {
    infer: same,
    gradient: perInput((b, dy, { inputs: [x] }) => [
      () => b.multiply(dy, b.multiply(b.scalar(2), x!)),
    ]),
  },
  negative: {
    infer: same,
    gradient: perInput((b, dy) => [() => b.negative(dy)]),
  },
  reluGradient: {
    infer: masked,
    gradient: perInput((b, dy, { inputs: [, x] }) => [() => b.reluGradient(dy, x!), undefined]),
  },
  relu6Gradient: {
    infer: masked,
    gradient: perInput((b, dy, { inputs: [, x] }) => [() => b.relu6Gradient(dy, x!), undefined]),
  },
  // Only integers are ever on the other side: nothing flows through them.
  cast: { infer: ([x], a) => [{ shape: x!.shape, dtype: a.dtype }] },
}

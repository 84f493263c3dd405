import type { Builder } from '../builder.ts'
import { perInput, type OpDefinitions } from '../op.ts'
import { check, type } from '../shapes.ts'
import type { Tensor, TensorType } from '../program.ts'

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
  | 'erf'
  | 'silu'
  | 'gelu'
  | 'reluGradient'
  | 'relu6Gradient'
  | 'siluGradient'
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
  erf: {
    infer: same,
    gradient: perInput((b, dy, { inputs: [x] }) => [
      () => b.multiply(dy, bell(b, x!, 2 / Math.sqrt(Math.PI), 1)),
    ]),
  },
  // From the input alone: a picture's activations are most of what training keeps, and a sigmoid is quick.
  silu: {
    infer: same,
    gradient: perInput((b, dy, { inputs: [x] }) => [() => b.siluGradient(dy, x!)]),
  },
  // The normal distribution's integral and x times its density.
  gelu: {
    infer: same,
    gradient: perInput((b, dy, { inputs: [x] }) => [
      () => {
        const density = bell(b, x!, 1 / Math.sqrt(2 * Math.PI), 1 / 2)
        return b.multiply(dy, b.add(integral(b, x!), b.multiply(x!, density)))
      },
    ]),
  },
  reluGradient: {
    infer: masked,
    gradient: perInput((b, dy, { inputs: [, x] }) => [() => b.reluGradient(dy, x!), undefined]),
  },
  relu6Gradient: {
    infer: masked,
    gradient: perInput((b, dy, { inputs: [, x] }) => [() => b.relu6Gradient(dy, x!), undefined]),
  },
  siluGradient: { infer: masked },
  // Only integers are ever on the other side: nothing flows through them.
  cast: { infer: ([x], a) => [{ shape: x!.shape, dtype: a.dtype }] },
}

/** The integral of the standard normal density up to x. */
export function integral(b: Builder, x: Tensor): Tensor {
  const half = b.scalar(0.5)
  return b.add(b.multiply(b.erf(b.multiply(x, b.scalar(Math.SQRT1_2))), half), half)
}

/** height exp(-narrowness x^2). */
function bell(b: Builder, x: Tensor, height: number, narrowness: number): Tensor {
  return b.multiply(b.exp(b.multiply(b.square(x), b.scalar(-narrowness))), b.scalar(height))
}

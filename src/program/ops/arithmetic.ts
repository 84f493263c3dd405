import type { Builder } from '../builder.ts'
import { perInput, type OpDefinitions } from '../op.ts'
import type { Shape, Tensor, TensorType } from '../program.ts'
import { broadcastShape, type } from '../shapes.ts'

/** The smallest normal float32: keeps a logarithm finite at zero. */
const TINY = 2 ** -126

const broadcast = ([x, y]: readonly TensorType[]): TensorType[] => [
  type(broadcastShape(x!.shape, y!.shape)),
]

/** Two inputs, broadcast; each gradient is summed back to its input's shape. */
export const ARITHMETIC: OpDefinitions<
  'add' | 'subtract' | 'multiply' | 'divide' | 'maximum' | 'minimum' | 'power'
> = {
  add: {
    infer: broadcast,
    gradient: perInput((b, dy, { inputs: [x, y] }) => [
      () => sumTo(b, dy, x!.shape),
      () => sumTo(b, dy, y!.shape),
    ]),
  },
  subtract: {
    infer: broadcast,
    gradient: perInput((b, dy, { inputs: [x, y] }) => [
      () => sumTo(b, dy, x!.shape),
      () => b.negative(sumTo(b, dy, y!.shape)),
    ]),
  },
  multiply: {
    infer: broadcast,
    gradient: perInput((b, dy, { inputs: [x, y] }) => [
      () => sumTo(b, b.multiply(dy, y!), x!.shape),
      () => sumTo(b, b.multiply(dy, x!), y!.shape),
    ]),
  },
  divide: {
    // d(x/y)/dy = -(x/y)/y
    infer: broadcast,
    gradient: perInput((b, dy, { inputs: [x, y], output }) => [
      () => sumTo(b, b.divide(dy, y!), x!.shape),
      () => b.negative(sumTo(b, b.divide(b.multiply(dy, output), y!), y!.shape)),
    ]),
  },
  // Where both are equal the gradient is the first input's, as in TensorFlow: the mask of the second is strict.
  maximum: {
    infer: broadcast,
    gradient: perInput((b, dy, { inputs: [x, y] }) => {
      const second = b.reluGradient(dy, b.subtract(y!, x!))
      return [() => sumTo(b, b.subtract(dy, second), x!.shape), () => sumTo(b, second, y!.shape)]
    }),
  },
  minimum: {
    infer: broadcast,
    gradient: perInput((b, dy, { inputs: [x, y] }) => {
      const second = b.reluGradient(dy, b.subtract(x!, y!))
      return [() => sumTo(b, b.subtract(dy, second), x!.shape), () => sumTo(b, second, y!.shape)]
    }),
  },
  power: {
    // The exponent's gradient is 0 where the base is not positive, as in TensorFlow.
    infer: broadcast,
    gradient: perInput((b, dy, { inputs: [x, y], output }) => [
      () => {
        const slope = b.multiply(y!, b.power(x!, b.subtract(y!, b.scalar(1))))
        return sumTo(b, b.multiply(dy, slope), x!.shape)
      },
      () => {
        const slope = b.multiply(output, b.log(b.maximum(x!, b.scalar(TINY))))
        const base = b.broadcastTo(x!, dy.shape)
        return sumTo(b, b.reluGradient(b.multiply(dy, slope), base), y!.shape)
      },
    ]),
  },
}

/** Undoes a broadcast: the sum of `x` over the axes along which `shape` had been repeated. */
export function sumTo(b: Builder, x: Tensor, shape: Shape): Tensor {
  const extra = x.shape.length - shape.length
  const axes = x.shape.flatMap((n, i) => (i < extra || shape[i - extra] !== n ? [i] : []))
  return b.reshape(b.reduceSum(x, axes), shape)
}

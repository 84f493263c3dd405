import type { Builder } from '../builder.ts'
import { perInput, type OpDefinitions } from '../op.ts'
import type { Tensor, TensorType } from '../program.ts'
import { check, type } from '../shapes.ts'

const paired = (op: string, [logits, targets]: readonly TensorType[]): void =>
  check(
    logits!.shape.join() === targets!.shape.join(),
    `${op} of [${logits!.shape}] and [${targets!.shape}]`,
  )

/** Heads and losses, on logits: the gradients are differences, which no clipping can bring to zero. */
export const HEADS: OpDefinitions<'softmax' | 'softmaxCrossEntropy' | 'sigmoidCrossEntropy'> = {
  softmax: {
    infer: ([x]) => [type(x!.shape)],
    gradient: perInput((b, dy, { output: y }) => [
      () => {
        const mean = b.reduceSum(b.multiply(dy, y), [y.shape.length - 1], true)
        return b.multiply(y, b.subtract(dy, mean))
      },
    ]),
  },
  softmaxCrossEntropy: {
    infer: (inputs) => {
      paired('softmaxCrossEntropy', inputs)
      const { shape } = inputs[0]!
      check(shape.length === 2, `softmaxCrossEntropy of [${shape}]`)
      return [type([shape[0]!])]
    },
    // softmax * sum(targets) - targets: right for targets that do not sum to one too.
    gradient: perInput((b, dy, { inputs: [logits, targets] }) => {
      const column = b.reshape(dy, [dy.shape[0]!, 1])
      return [
        () => {
          const total = b.reduceSum(targets!, [1], true)
          const slope = b.subtract(b.multiply(b.softmax(logits!), total), targets!)
          return b.multiply(column, slope)
        },
        () => b.negative(b.multiply(column, logSoftmax(b, logits!))),
      ]
    }),
  },
  sigmoidCrossEntropy: {
    infer: (inputs) => {
      paired('sigmoidCrossEntropy', inputs)
      return [type(inputs[0]!.shape)]
    },
    gradient: perInput((b, dy, { inputs: [logits, targets] }) => [
      () => b.multiply(dy, b.subtract(b.sigmoid(logits!), targets!)),
      () => b.negative(b.multiply(dy, logits!)),
    ]),
  },
}

/** Of [n, c] along the last axis. */
function logSoftmax(b: Builder, logits: Tensor): Tensor {
  const shifted = b.subtract(logits, b.reduceMax(logits, [1], true))
  return b.subtract(shifted, b.log(b.reduceSum(b.exp(shifted), [1], true)))
}

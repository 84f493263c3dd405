import type { Builder } from '../builder.ts'
import { perInput, type OpDefinitions } from '../op.ts'
import type { Shape, Tensor } from '../program.ts'
import { check, reduced, type } from '../shapes.ts'

export const REDUCE: OpDefinitions<'reduceSum' | 'reduceMean' | 'reduceMax' | 'reduceMaxGradient'> =
  {
    reduceSum: {
      infer: ([x], a) => [reduced(x!.shape, a)],
      gradient: perInput((b, dy, { inputs: [x], attributes: { axes } }) => [
        () => b.broadcastTo(keptDims(b, dy, x!.shape, axes), x!.shape),
      ]),
    },
    reduceMean: {
      infer: ([x], a) => [reduced(x!.shape, a)],
      gradient: perInput((b, dy, { inputs: [x], attributes: { axes } }) => [
        () => {
          const count = axes.reduce((product, axis) => product * x!.shape[axis]!, 1)
          const share = b.multiply(keptDims(b, dy, x!.shape, axes), b.scalar(1 / count))
          return b.broadcastTo(share, x!.shape)
        },
      ]),
    },
    reduceMax: {
      infer: ([x], a) => [reduced(x!.shape, a)],
      gradient: perInput((b, dy, { inputs: [x], output, attributes: { axes } }) => [
        () => {
          const y = keptDims(b, output, x!.shape, axes)
          return b.reduceMaxGradient(keptDims(b, dy, x!.shape, axes), x!, y, axes)
        },
      ]),
    },
    reduceMaxGradient: {
      infer: ([dy, x, y], { axes }) => {
        const kept = reduced(x!.shape, { axes, keepDims: true }).shape.join()
        check(
          dy!.shape.join() === kept && y!.shape.join() === kept,
          `reduceMaxGradient of [${dy!.shape}], [${x!.shape}], [${y!.shape}]`,
        )
        return [type(x!.shape)]
      },
    },
  }

/** A reduced tensor with its lost axes put back as ones. */
function keptDims(b: Builder, x: Tensor, shape: Shape, axes: readonly number[]): Tensor {
  return b.reshape(x, reduced(shape, { axes, keepDims: true }).shape)
}

import { perInput, type OpDefinitions } from '../op.ts'
import { check, leadingAxes, matrix, type } from '../shapes.ts'

/** Matrices. */
export const LINEAR: OpDefinitions<'matMul' | 'biasAdd'> = {
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
    gradient: perInput((b, dy) => [() => dy, () => b.reduceSum(dy, leadingAxes(dy.shape))]),
  },
}

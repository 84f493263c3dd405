import type { Emitters } from './emit.ts'

/** Softmax and the cross-entropies on logits. */
export const HEADS: Emitters<'softmax' | 'softmaxCrossEntropy' | 'sigmoidCrossEntropy'> = {
  softmax: (e) => e.run('Softmax', { logits: e.inputs[0]! }, { dim: e.output.shape.length - 1 }),

  /** sum(targets * (log(sum(exp(x - top))) - (x - top))); a class that is not asked for costs nothing, even at -Infinity. */
  softmaxCrossEntropy({ run, scalar, inputs: [logits, targets] }) {
    const along = { axis: [1], reductionIndices: [1], keepDims: true }
    const top = run('Max', { x: logits }, along)
    const below = run('Sub', { a: logits, b: top })
    const shift = run('Log', { x: run('Sum', { x: run('Exp', { x: below }) }, along) })
    const costs = run('Multiply', { a: targets, b: run('Sub', { a: shift, b: below }) })
    const asked = run('NotEqual', { a: targets, b: scalar(0) })
    const zeros = run('ZerosLike', { x: costs })
    const each = run('Select', { condition: asked, t: costs, e: zeros })
    return run('Sum', { x: each }, { axis: [1], keepDims: false })
  },

  /** max(x, 0) - x z + log(1 + exp(-|x|)). */
  sigmoidCrossEntropy({ run, scalar, inputs: [x, z] }) {
    const tail = run('Exp', { x: run('Neg', { x: run('Abs', { x }) }) })
    const product = run('Multiply', { a: x, b: z })
    const linear = run('Sub', { a: run('Maximum', { a: x, b: scalar(0) }), b: product })
    return run('Add', { a: linear, b: run('Log1p', { x: tail }) })
  },
}

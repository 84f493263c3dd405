import type { Expansion } from './expand-composites.ts'
import type { Tensor } from './program.ts'
import { Sliding } from './sliding.ts'

export const GRADIENTS_OF_POOLS: {
  readonly [N in 'maxPoolGradient' | 'avgPoolGradient']: Expansion<N>
} = {
  /**
   * Cell by cell, what is left of dy passes on where the maximum is still greater than what lies under the cell;
   * where it is not, the cell takes all: so the first of equal ones does.
   */
  maxPoolGradient: (b, [dy, x, y], { size, ...a }) => {
    const sliding = new Sliding(x!.shape, size, a)
    const padded = sliding.padded(b, x!, -Infinity)
    let left = dy!
    let sum: Tensor | undefined
    for (const cell of sliding.cells) {
      const rest = b.reluGradient(left, b.subtract(y!, sliding.under(b, padded, cell)))
      const taken = sliding.over(b, b.subtract(left, rest), cell)
      sum = sum ? b.add(sum, taken) : taken
      left = rest
    }
    return [sliding.cropped(b, sum!)]
  },

  /** The sums over a window sliding over the shares: its average times the number of its cells. */
  avgPoolGradient: (b, [dy], { size, inputShape, ...a }) => {
    const sliding = new Sliding(inputShape, size, a)
    const counts = sliding.counts()
    const whole = size[0] * size[1]
    const share = b.constant(
      counts.map((n) => whole / n),
      [1, sliding.rows.out, sliding.columns.out, 1],
    )
    const shares = counts.every((n) => n === whole) ? dy! : b.multiply(dy!, share)
    return [b.avgPool(sliding.spread(b, shares), { size, strides: [1, 1], padding: 'valid' })]
  },
}

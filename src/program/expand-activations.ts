import type { Expansion } from './expand-composites.ts'
import { integral } from './ops/elementwise.ts'

/** Which no engine has one kernel for. */
export type ActivationName = 'silu' | 'siluGradient' | 'gelu'

export const ACTIVATIONS: { readonly [N in ActivationName]: Expansion<N> } = {
  silu: (b, [x]) => [b.multiply(x!, b.sigmoid(x!))],
  // With s the sigmoid, s' = s (1 - s): s + x s' = s (1 + x (1 - s)).
  siluGradient: (b, [dy, x]) => {
    const s = b.sigmoid(x!)
    const one = b.scalar(1)
    const slope = b.multiply(s, b.add(b.multiply(x!, b.subtract(one, s)), one))
    return [b.multiply(dy!, slope)]
  },
  gelu: (b, [x]) => [b.multiply(x!, integral(b, x!))],
}

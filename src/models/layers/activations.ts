import type { Builder } from '../../program/builder.ts'
import type { Tensor } from '../../program/program.ts'
import type { Activation } from '../layer-graph.ts'

/** Of Klambauer et al. 2017, arXiv 1706.02515. */
const SELU = { alpha: 1.6732632423543772, scale: 1.0507009873554805 }

/** Keras' activation functions as ops (keras/src/activations/activations.py). */
export const ACTIVATIONS: { readonly [Name in Activation]: (b: Builder, x: Tensor) => Tensor } = {
  linear: (_, x) => x,
  relu: (b, x) => b.relu(x),
  relu6: (b, x) => b.relu6(x),
  leaky_relu: (b, x) => b.maximum(x, b.multiply(x, b.scalar(0.2))),
  elu: (b, x) => elu(b, x, 1),
  selu: (b, x) => b.multiply(elu(b, x, SELU.alpha), b.scalar(SELU.scale)),
  silu: (b, x) => b.silu(x),
  gelu: (b, x) => b.gelu(x),
  hard_sigmoid: (b, x) => hardSigmoid(b, x),
  hard_silu: (b, x) => b.multiply(x, hardSigmoid(b, x)),
  sigmoid: (b, x) => b.sigmoid(x),
  softmax: (b, x) => b.softmax(x),
  tanh: (b, x) => b.tanh(x),
  softplus: (b, x) => b.softplus(x),
  softsign: (b, x) => b.divide(x, b.add(b.maximum(x, b.negative(x)), b.scalar(1))),
  exponential: (b, x) => b.exp(x),
}

/** x where it is positive, else alpha (exp(x) - 1). */
export function elu(b: Builder, x: Tensor, alpha: number): Tensor {
  const below = b.subtract(b.exp(b.minimum(x, b.scalar(0))), b.scalar(1))
  return b.add(b.relu(x), b.multiply(below, b.scalar(alpha)))
}

/** As Keras 3 has it; Keras 2's was steeper, 0.2 x + 0.5. */
function hardSigmoid(b: Builder, x: Tensor): Tensor {
  return b.multiply(b.relu6(b.add(x, b.scalar(3))), b.scalar(1 / 6))
}

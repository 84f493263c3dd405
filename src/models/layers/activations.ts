import type { Builder } from '../../program/builder.ts'
import type { Tensor } from '../../program/program.ts'
import type { Activation } from '../layer-graph.ts'

/** Keras' activation functions as ops. */
export const ACTIVATIONS: { readonly [Name in Activation]: (b: Builder, x: Tensor) => Tensor } = {
  linear: (_, x) => x,
  relu: (b, x) => b.relu(x),
  relu6: (b, x) => b.relu6(x),
  sigmoid: (b, x) => b.sigmoid(x),
  softmax: (b, x) => b.softmax(x),
  tanh: (b, x) => b.tanh(x),
  softplus: (b, x) => b.softplus(x),
}

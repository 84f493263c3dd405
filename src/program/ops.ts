import type { DType, Shape, TensorData } from './program.ts'

/**
 * The closed list of primitive ops with their attributes. Shape rules and gradients stand in `op-table.ts`, one
 * literal an op. Images are NHWC; convolution kernels are [height, width, in, out], depthwise ones
 * [height, width, in, multiplier]; `same` pads as TensorFlow does (the extra row or column at the end).
 */
export interface OpAttributes {
  // sources
  /** A value fed at each run. */
  input: { name: string; shape: Shape; dtype: DType }
  constant: { data: TensorData; shape: Shape; dtype: DType }
  /** The value a variable had when the run began. */
  variable: { name: string; shape: Shape }

  // element by element
  relu: None
  relu6: None
  sigmoid: None
  tanh: None
  softplus: None
  exp: None
  log: None
  sqrt: None
  rsqrt: None
  square: None
  negative: None
  erf: None
  /** x sigmoid(x), Keras' `silu` and `swish`. */
  silu: None
  /** x (1 + erf(x / sqrt(2))) / 2, not the approximation by tanh. */
  gelu: None
  /** Gradient of `relu` and `relu6`: inputs (dy, x); dy where 0 < x (and x < 6), as TensorFlow's kernels have it. */
  reluGradient: None
  relu6Gradient: None
  /** (dy, x). */
  siluGradient: None
  /** dtype conversion; float to integer truncates towards zero. */
  cast: { dtype: DType }

  // two inputs, broadcast as numpy does
  add: None
  subtract: None
  multiply: None
  divide: None
  maximum: None
  minimum: None
  power: None

  // linear algebra and convolutions
  /** [m, k] x [k, n], either transposed first. */
  matMul: { transposeA: boolean; transposeB: boolean }
  /** (x [..., c], bias [c]). */
  biasAdd: None
  /** (x, kernel). */
  conv2d: ConvAttributes
  depthwiseConv2d: ConvAttributes
  /** What the input of `conv2d` (or `depthwiseConv2d`) is owed: (dy, kernel). */
  conv2dInputGradient: ConvAttributes & { inputShape: Shape }
  depthwiseConv2dInputGradient: ConvAttributes & { inputShape: Shape }
  /** And what its kernel is: (x, dy). */
  conv2dKernelGradient: ConvAttributes & { kernelShape: Shape }
  depthwiseConv2dKernelGradient: ConvAttributes & { kernelShape: Shape }

  // pools; padding cells never count (TensorFlow's `same`)
  maxPool: PoolAttributes
  avgPool: PoolAttributes
  /** (dy, x, y): dy goes to the first cell of its window, row by row, that has the maximum y, as in TensorFlow on a CPU. */
  maxPoolGradient: PoolAttributes
  /** (dy): shared equally among the cells of the window that are no padding. */
  avgPoolGradient: PoolAttributes & { inputShape: Shape }

  // normalization, over all axes but the last (the channels)
  /**
   * (x, gamma, beta) -> y, mean, variance: (x - mean) / sqrt(variance + epsilon) * gamma + beta by the mean and the
   * (biased) variance of this batch, which are for moving averages: no gradient flows through them.
   */
  batchNorm: { epsilon: number }
  /** (dy, x, gamma, mean, variance), the last two as `batchNorm` gave them -> gradients of x, gamma, beta. */
  batchNormGradient: { epsilon: number }

  // shape
  reshape: { shape: Shape }
  transpose: { permutation: readonly number[] }
  /** [before, after] for each axis. */
  pad: { padding: readonly (readonly [number, number])[]; value: number }
  slice: { begin: Shape; size: Shape }
  concat: { axis: number }
  broadcastTo: { shape: Shape }

  // reductions; axes sorted, non-negative
  reduceSum: ReduceAttributes
  reduceMean: ReduceAttributes
  reduceMax: ReduceAttributes
  /** (dy, x, y): dy shared equally among the positions where x equals its maximum y (keepDims form). */
  reduceMaxGradient: { axes: readonly number[] }

  // heads and losses
  /** Along the last axis. */
  softmax: None
  /** (logits [n, c], targets [n, c]) -> [n]: -sum(targets * logSoftmax(logits)), never through probabilities. */
  softmaxCrossEntropy: None
  /** (logits, targets), same shape -> same shape: max(x, 0) - x z + log(1 + exp(-|x|)). */
  sigmoidCrossEntropy: None
}

export type OpName = keyof OpAttributes
export type None = Readonly<Record<string, never>>

export interface ConvAttributes {
  strides: readonly [number, number]
  padding: 'same' | 'valid'
  dilations: readonly [number, number]
}
export interface PoolAttributes {
  size: readonly [number, number]
  strides: readonly [number, number]
  padding: 'same' | 'valid'
}
export interface ReduceAttributes {
  axes: readonly number[]
  keepDims: boolean
}

import type { Builder } from './builder.ts'
import type { OpAttributes, OpName } from './ops.ts'
import { sizeOf, type Node, type Shape, type Tensor, type TensorType } from './program.ts'

/** What there is to know about one op. */
export interface OpDefinition<Name extends OpName> {
  /** The output types; throws a TypeError on inputs the op does not take (a bug of the caller, not of a person). */
  readonly infer: (
    inputs: readonly TensorType[],
    attributes: OpAttributes[Name],
  ) => readonly TensorType[]
  /**
   * The gradients of the inputs, in terms of ops, given the gradients of the outputs (undefined: zero). `wanted`
   * says which inputs lead to a target: only for these is anything built. Absent: not differentiable.
   */
  readonly gradient?: (
    b: Builder,
    node: Node<Name>,
    outputs: readonly (Tensor | undefined)[],
    wanted: readonly boolean[],
  ) => readonly (Tensor | undefined)[]
}

const same = (inputs: readonly TensorType[]): TensorType[] => [type(inputs[0]!.shape)]
const broadcast = (inputs: readonly TensorType[]): TensorType[] => [
  type(broadcastShape(inputs[0]!.shape, inputs[1]!.shape)),
]

/** One literal an op. */
export const OPS: { readonly [Name in OpName]: OpDefinition<Name> } = {
  input: { infer: (_, a) => [{ shape: a.shape, dtype: a.dtype }] },
  constant: { infer: (_, a) => [{ shape: a.shape, dtype: a.dtype }] },
  variable: { infer: (_, a) => [type(a.shape)] },

  relu: { infer: same },
  relu6: { infer: same },
  sigmoid: { infer: same },
  tanh: { infer: same },
  softplus: { infer: same },
  exp: { infer: same },
  log: { infer: same },
  sqrt: { infer: same },
  rsqrt: { infer: same },
  square: { infer: same },
  negative: { infer: same },
  reluGradient: { infer: same },
  relu6Gradient: { infer: same },
  cast: { infer: ([x], a) => [{ shape: x!.shape, dtype: a.dtype }] },

  add: { infer: broadcast },
  subtract: { infer: broadcast },
  multiply: { infer: broadcast },
  divide: { infer: broadcast },
  maximum: { infer: broadcast },
  minimum: { infer: broadcast },
  power: { infer: broadcast },

  matMul: {
    infer: ([x, y], { transposeA, transposeB }) => {
      const [m, k] = matrix(x!.shape, transposeA)
      const [l, n] = matrix(y!.shape, transposeB)
      check(k === l, `matMul of [${x!.shape}] and [${y!.shape}]`)
      return [type([m, n])]
    },
  },
  biasAdd: {
    infer: ([x, bias]) => {
      check(x!.shape.at(-1) === bias!.shape[0], `biasAdd of [${x!.shape}] and [${bias!.shape}]`)
      return [type(x!.shape)]
    },
  },
  conv2d: {
    infer: ([x, kernel], a) => {
      const [n, h, w, c] = image(x!.shape)
      const [kh, kw, ci, co] = image(kernel!.shape)
      check(c === ci, `conv2d of ${c} channels with a kernel for ${ci}`)
      return [type([n, ...windows([h, w], [kh, kw], a.strides, a.padding, a.dilations), co])]
    },
  },
  depthwiseConv2d: {
    infer: ([x, kernel], a) => {
      const [n, h, w, c] = image(x!.shape)
      const [kh, kw, ci, multiplier] = image(kernel!.shape)
      check(c === ci, `depthwiseConv2d of ${c} channels with a kernel for ${ci}`)
      return [
        type([n, ...windows([h, w], [kh, kw], a.strides, a.padding, a.dilations), c * multiplier]),
      ]
    },
  },
  maxPool: { infer: ([x], a) => [pooled(x!.shape, a)] },
  avgPool: { infer: ([x], a) => [pooled(x!.shape, a)] },

  reshape: {
    infer: ([x], { shape }) => {
      check(sizeOf(x!.shape) === sizeOf(shape), `reshape of [${x!.shape}] to [${shape}]`)
      return [{ shape, dtype: x!.dtype }]
    },
  },
  transpose: {
    infer: ([x], { permutation }) => [
      { shape: permutation.map((axis) => x!.shape[axis]!), dtype: x!.dtype },
    ],
  },
  pad: {
    infer: ([x], { padding }) => [
      { shape: x!.shape.map((n, i) => n + padding[i]![0] + padding[i]![1]), dtype: x!.dtype },
    ],
  },
  slice: {
    infer: ([x], { begin, size }) => {
      check(
        x!.shape.every((n, i) => begin[i]! >= 0 && begin[i]! + size[i]! <= n),
        `slice of [${x!.shape}] at [${begin}] of [${size}]`,
      )
      return [{ shape: size, dtype: x!.dtype }]
    },
  },
  concat: {
    infer: (inputs, { axis }) => {
      const [first] = inputs
      check(
        inputs.every((x) => x.shape.every((n, i) => i === axis || n === first!.shape[i])),
        `concat of ${inputs.map((x) => `[${x.shape}]`).join(', ')} along ${axis}`,
      )
      const length = inputs.reduce((sum, x) => sum + x.shape[axis]!, 0)
      return [{ shape: first!.shape.map((n, i) => (i === axis ? length : n)), dtype: first!.dtype }]
    },
  },
  broadcastTo: {
    infer: ([x], { shape }) => {
      check(
        broadcastShape(x!.shape, shape).join() === shape.join(),
        `broadcastTo of [${x!.shape}] to [${shape}]`,
      )
      return [type(shape)]
    },
  },

  reduceSum: { infer: ([x], a) => [reduced(x!.shape, a)] },
  reduceMean: { infer: ([x], a) => [reduced(x!.shape, a)] },
  reduceMax: { infer: ([x], a) => [reduced(x!.shape, a)] },
  reduceMaxGradient: { infer: ([, x]) => [type(x!.shape)] },

  softmax: { infer: same },
  softmaxCrossEntropy: {
    infer: ([logits, targets]) => {
      check(
        logits!.shape.length === 2 && logits!.shape.join() === targets!.shape.join(),
        `softmaxCrossEntropy of [${logits!.shape}] and [${targets!.shape}]`,
      )
      return [type([logits!.shape[0]!])]
    },
  },
  sigmoidCrossEntropy: { infer: broadcast },
}

/** numpy's broadcasting. */
export function broadcastShape(a: Shape, b: Shape): Shape {
  const rank = Math.max(a.length, b.length)
  return Array.from({ length: rank }, (_, i) => {
    const x = a[i - rank + a.length] ?? 1
    const y = b[i - rank + b.length] ?? 1
    check(x === y || x === 1 || y === 1, `[${a}] and [${b}] do not broadcast`)
    return x === 1 ? y : x
  })
}

/** Rows and columns of output of a sliding window, as TensorFlow counts them. */
export function windows(
  size: readonly [number, number],
  window: readonly [number, number],
  strides: readonly [number, number],
  padding: 'same' | 'valid',
  dilations: readonly [number, number] = [1, 1],
): [number, number] {
  const along = (axis: 0 | 1): number => {
    const reach = (window[axis] - 1) * dilations[axis] + 1
    const out =
      padding === 'same'
        ? Math.ceil(size[axis] / strides[axis])
        : Math.ceil((size[axis] - reach + 1) / strides[axis])
    check(out > 0, `a window of ${window} does not fit in ${size}`)
    return out
  }
  return [along(0), along(1)]
}

function pooled(shape: Shape, a: OpAttributes['maxPool']): TensorType {
  const [n, h, w, c] = image(shape)
  return type([n, ...windows([h, w], a.size, a.strides, a.padding), c])
}

function reduced(shape: Shape, { axes, keepDims }: OpAttributes['reduceSum']): TensorType {
  if (keepDims) return type(shape.map((n, i) => (axes.includes(i) ? 1 : n)))
  return type(shape.filter((_, i) => !axes.includes(i)))
}

function matrix(shape: Shape, transposed: boolean): [number, number] {
  check(shape.length === 2, `a matrix, got [${shape}]`)
  return transposed ? [shape[1]!, shape[0]!] : [shape[0]!, shape[1]!]
}

function image(shape: Shape): [number, number, number, number] {
  check(shape.length === 4, `four axes, got [${shape}]`)
  return [shape[0]!, shape[1]!, shape[2]!, shape[3]!]
}

function type(shape: Shape): TensorType {
  return { shape, dtype: 'float32' }
}

function check(holds: boolean, message: string): void {
  if (!holds) throw new TypeError(message)
}

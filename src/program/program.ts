import type { OpName, OpAttributes } from './ops.ts'

/**
 * The Program: one static graph in single assignment form. Every tensor has a static shape (images are
 * [batch, height, width, channels]) and every node lists only earlier nodes as inputs, so `nodes` is a
 * topological order. Backward and update nodes are nodes like any other; engines only execute.
 */
export interface Program {
  /** In topological order. */
  readonly nodes: readonly Node[]
  readonly variables: readonly Variable[]
  /** What can be asked of an engine, by name; `train@16` and `train@7` share variables and constants. */
  readonly entries: Readonly<Record<string, Entry>>
}

export type DType = 'float32' | 'int32' | 'uint8'
export type Shape = readonly number[]

export interface TensorType {
  readonly shape: Shape
  readonly dtype: DType
}

/** One output of one node. */
export interface Tensor extends TensorType {
  readonly node: Node
  readonly index: number
}

export interface Node<Name extends OpName = OpName> {
  /** Position in `Program.nodes`. */
  readonly id: number
  readonly op: Name
  readonly inputs: readonly Tensor[]
  readonly attributes: OpAttributes[Name]
  readonly outputs: readonly Tensor[]
  /** The layer this node came from, for messages and profiles; backward nodes keep it. */
  readonly layer: string | undefined
}

export interface Variable {
  /** Keras' weight path, `dense/kernel`; optimizer slots are `optimizer/velocity/dense/kernel`. */
  readonly name: string
  readonly shape: Shape
  /** Little-endian float32, row-major. */
  readonly initial: Float32Array
}

export interface Entry {
  /** What the caller feeds at each run, by name: the outputs of `input` nodes. */
  readonly feeds: Readonly<Record<string, Tensor>>
  /** What the caller gets back. */
  readonly fetches: Readonly<Record<string, Tensor>>
  /** Applied in order, after every fetch and every read of a variable has been computed from the old values. */
  readonly updates: readonly Update[]
}

/**
 * A change of variables at the end of an entry. `assign` says everything there is; the others are one update
 * rule each of `updates.ts`, kept whole so that an engine may run them fused (`ResourceApplyAdam`).
 */
export type Update =
  | { readonly kind: 'assign'; readonly variable: string; readonly value: Tensor }
  | {
      readonly kind: 'rule'
      readonly rule: UpdateRuleName
      readonly variable: string
      readonly slots: Readonly<Record<string, string>>
      readonly gradient: Tensor
      readonly scalars: Readonly<Record<string, Tensor>>
      readonly constants: Readonly<Record<string, number | boolean>>
    }

export type UpdateRuleName =
  'sgd' | 'momentum' | 'rmsprop' | 'adam' | 'adamw' | 'adagrad' | 'adadelta' | 'adamax' | 'nadam'

/** Any array that backs a tensor; the dtype says which. */
export type TensorData = Float32Array | Int32Array | Uint8Array

export function sizeOf(shape: Shape): number {
  return shape.reduce((product, n) => product * n, 1)
}

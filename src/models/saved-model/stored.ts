/** An imported function as plain JSON: what the settings of a layer of kind `SavedModel` hold (see FORMAT in ../stored-graph.ts). */
export interface SavedModelConfig {
  /** Those that the endpoints reach, by name, without the nodes that nothing needs. */
  readonly functions: Readonly<Record<string, StoredFunction>>
  readonly inference: Endpoint
  /** Absent: the module has no branch to be trained by. */
  readonly training?: Endpoint | undefined
  /** Of the losses that join the one trained on, each one number. */
  readonly regularizers: readonly Endpoint[]
  /** Variables of the module, trainable ones first, then constants too big for JSON. */
  readonly weights: readonly StoredWeight[]
  /** What the module declares of each of its inputs, the batch axis included, -1 for a length it leaves open; null: no rank. */
  readonly inputs: readonly (readonly number[] | null)[]
}

export interface StoredWeight {
  readonly name: string
  readonly shape: readonly number[]
  readonly trainable: boolean
  /** Whole numbers, seeds and counters: no step changes them, as draws are fed. */
  readonly integer?: true
}

/** One output of a function, with its arguments. */
export interface Endpoint {
  readonly function: string
  readonly arguments: readonly Argument[]
  /** Which of the function's outputs. */
  readonly output: number
}

export type Argument =
  | { readonly kind: 'input'; readonly index: number }
  | { readonly kind: 'weight'; readonly weight: string }
  | { readonly kind: 'constant'; readonly constant: StoredConstant }
  /** What the function takes and, by our reckoning, never needs. */
  | { readonly kind: 'missing'; readonly what: string }

export interface StoredFunction {
  readonly outputs: readonly Reference[]
  readonly nodes: readonly StoredNode[]
  /** Nodes, by position, that change variables, themselves or in what they call; run in training. */
  readonly effects: readonly number[]
}

/**
 * `@2`: the third argument, or tensor that is fed; `7`, `7:1`: the first and second output of the eighth node; `^7`: that
 * node, which only must be alive. Positions, not names: those are most of the JSON as it is.
 */
export type Reference = string

export interface StoredNode {
  readonly name: string
  readonly op: string
  /** Absent: none. */
  readonly inputs?: readonly Reference[]
  /** Absent: none. */
  readonly attributes?: Readonly<Record<string, StoredAttribute>>
}

export type StoredAttribute =
  | number
  | string
  | boolean
  | null
  | readonly (number | string)[]
  | { readonly function: string }
  | { readonly constant: StoredConstant }

/** Types are told apart by what is done with them; every float is computed as float32. */
export type ValueType = 'float' | 'int' | 'bool' | 'other'

export interface StoredConstant {
  readonly type: ValueType
  readonly shape: readonly number[]
  /** Row-major; a single one stands for all. JSON has no NaN and no infinities: these are strings. */
  readonly values: readonly (number | string)[]
}

/** A constant whose values are a weight (`weight`), as no op of TensorFlow is called. */
export const WEIGHT_OP = '_Weight'

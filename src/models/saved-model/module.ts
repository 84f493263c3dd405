import type { RawFunction } from './functions.ts'
import type { Endpoint } from './stored.ts'
import type { TensorValue } from './tensor-proto.ts'

/** Which of a SavedModel's functions is wanted, where there are several. */
export interface ModuleOptions {
  /** Default: a module's `__call__`, else `serving_default`, `serve` or `default`. */
  readonly signature?: string | undefined
  /** Of the graph to take, where there are several. Default: `serve`, or none. */
  readonly tags?: readonly string[] | undefined
  /** Default: the only output, or the one called `default`. */
  readonly output?: string | undefined
}

/** What a SavedModel says of itself, before its functions are imported. */
export interface Module {
  readonly library: ReadonlyMap<string, RawFunction>
  readonly inference: Endpoint
  readonly training: Endpoint | undefined
  readonly regularizers: readonly Endpoint[]
  /** Trainable ones first. */
  readonly variables: readonly ModuleVariable[]
  /** Constants that functions are given and that are too big for JSON, by weight name. */
  readonly constants: ReadonlyMap<string, TensorValue>
  readonly inputs: readonly ModuleTensor[]
  readonly outputs: readonly string[]
  /** A graph of TF1: only what it reads is wanted of its variables. */
  readonly tf1: boolean
}

export interface ModuleTensor {
  readonly name: string
  /** The batch axis included, -1 for a length left open; null: no rank is declared. */
  readonly shape: readonly number[] | null
}

export interface ModuleVariable {
  readonly name: string
  /** In the bundle. */
  readonly key: string
  readonly shape: readonly number[]
  readonly trainable: boolean
  readonly integer: boolean
  /** Where in the tensor of that key its values begin, of TF1's partitioned variables; absent: it is the whole. */
  readonly offset?: readonly number[]
}

/** The endpoints and their inputs, as people may choose among them. */
export interface Signature {
  readonly name: string
  readonly inputs: readonly ModuleTensor[]
  readonly outputs: readonly string[]
}

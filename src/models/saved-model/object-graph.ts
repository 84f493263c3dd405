import {
  bytes,
  flag,
  int,
  ints,
  lazy,
  map,
  message,
  optional,
  repeated,
  text,
  double,
  type Kind,
  type Read,
} from './message.ts'
import { SHAPE } from './graph-def.ts'

/** tensorflow/core/protobuf/{saved_object_graph,struct,trackable_object_graph}.proto, as far as it is read. */

const TENSOR_SPEC = message({ name: [1, text], shape: [2, SHAPE], dtype: [3, int] })
export type TensorSpec = Read<typeof TENSOR_SPEC>

/** A Python value: exactly one of its fields is there, but for None, which may have none. */
export interface StructuredValue {
  readonly none: Uint8Array | undefined
  readonly double: number | undefined
  /** Zigzag-encoded, as sint64 is. */
  readonly zigzag: number | undefined
  readonly string: string | undefined
  readonly bool: boolean | undefined
  readonly spec: TensorSpec | undefined
  readonly bounded: TensorSpec | undefined
  readonly list: { readonly values: StructuredValue[] } | undefined
  readonly tuple: { readonly values: StructuredValue[] } | undefined
  readonly dict: { readonly fields: Map<string, StructuredValue> } | undefined
  readonly namedTuple:
    { readonly values: { readonly key: string; readonly value: StructuredValue }[] } | undefined
}

const STRUCTURED: Kind<StructuredValue> = lazy(() => STRUCTURED_MESSAGE)
const VALUES = message({ values: [1, repeated(STRUCTURED)] })
const STRUCTURED_MESSAGE: Kind<StructuredValue> = message({
  none: [1, optional(bytes)],
  double: [11, optional(double)],
  zigzag: [12, optional(int)],
  string: [13, optional(text)],
  bool: [14, optional(flag)],
  spec: [33, optional(TENSOR_SPEC)],
  bounded: [35, optional(TENSOR_SPEC)],
  list: [51, optional(VALUES)],
  tuple: [52, optional(VALUES)],
  dict: [53, optional(message({ fields: [1, map(STRUCTURED)] }))],
  namedTuple: [
    54,
    optional(
      message({ values: [2, repeated(message({ key: [1, text], value: [2, STRUCTURED] }))] }),
    ),
  ],
})

const CHILD = message({ id: [1, int], name: [2, text] })
const FUNCTION_SPEC = message({ fullArgSpec: [1, STRUCTURED], isMethod: [2, flag] })
export type FunctionSpec = Read<typeof FUNCTION_SPEC>

const OBJECT = message({
  children: [1, repeated(CHILD)],
  user: [4, optional(message({ identifier: [1, text] }))],
  function: [6, optional(message({ concrete: [1, repeated(text)], spec: [2, FUNCTION_SPEC] }))],
  variable: [
    7,
    optional(
      message({ dtype: [1, int], shape: [2, SHAPE], trainable: [3, flag], name: [6, text] }),
    ),
  ],
  bare: [8, optional(message({ concrete: [1, text] }))],
  constant: [9, optional(message({ operation: [1, text] }))],
})
export type SavedObject = Read<typeof OBJECT>

const CONCRETE = message({
  bound: [2, ints],
  inputs: [3, STRUCTURED],
  outputs: [4, STRUCTURED],
})
export type ConcreteFunction = Read<typeof CONCRETE>

export const OBJECT_GRAPH = message({
  nodes: [1, repeated(OBJECT)],
  concrete: [2, map(CONCRETE)],
})
export type ObjectGraph = Read<typeof OBJECT_GRAPH>

/** What `_CHECKPOINTABLE_OBJECT_GRAPH` in the bundle holds: the same tree, with the keys of values. */
export const TRACKABLE_GRAPH = message({
  nodes: [
    1,
    repeated(
      message({
        children: [1, repeated(CHILD)],
        attributes: [2, repeated(message({ name: [1, text], key: [3, text] }))],
      }),
    ),
  ],
})
export type TrackableGraph = Read<typeof TRACKABLE_GRAPH>

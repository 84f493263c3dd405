import {
  bytes,
  doubles,
  flag,
  float,
  floats,
  int,
  ints,
  map,
  message,
  optional,
  repeated,
  text,
  type Kind,
  type Read,
} from './message.ts'

/** What is read of TensorFlow's messages; the field numbers are those of tensorflow/core/framework/*.proto. */

export const SHAPE = message({
  dims: [2, repeated(message({ size: [1, int] }))],
  unknownRank: [3, flag],
})

export const TENSOR = message({
  dtype: [1, int],
  shape: [2, SHAPE],
  content: [4, bytes],
  floats: [5, floats],
  doubles: [6, doubles],
  ints: [7, ints],
  strings: [8, repeated(text)],
  int64s: [10, ints],
  bools: [11, ints],
  halves: [13, ints],
  uint32s: [16, ints],
  uint64s: [17, ints],
})
export type TensorProto = Read<typeof TENSOR>

export interface AttrValue {
  readonly list: Read<typeof LIST> | undefined
  readonly s: Uint8Array | undefined
  readonly i: number | undefined
  readonly f: number | undefined
  readonly b: boolean | undefined
  readonly type: number | undefined
  readonly shape: Read<typeof SHAPE> | undefined
  readonly tensor: TensorProto | undefined
  readonly func: Read<typeof FUNCTION_NAME> | undefined
}

const FUNCTION_NAME = message({ name: [1, text] })
const LIST = message({
  s: [2, repeated(bytes)],
  i: [3, ints],
  f: [4, floats],
  b: [5, ints],
  types: [6, ints],
  functions: [9, repeated(FUNCTION_NAME)],
})

const ATTR: Kind<AttrValue> = message({
  list: [1, optional(LIST)],
  s: [2, optional(bytes)],
  i: [3, optional(int)],
  f: [4, optional(float)],
  b: [5, optional(flag)],
  type: [6, optional(int)],
  shape: [7, optional(SHAPE)],
  tensor: [8, optional(TENSOR)],
  func: [10, optional(FUNCTION_NAME)],
})

const NODE = message({
  name: [1, text],
  op: [2, text],
  inputs: [3, repeated(text)],
  attributes: [5, map(ATTR)],
})
export type NodeDef = Read<typeof NODE>

const ARGUMENT = message({ name: [1, text], type: [3, int] })
const FUNCTION = message({
  signature: [
    1,
    message({
      name: [1, text],
      inputs: [2, repeated(ARGUMENT)],
      outputs: [3, repeated(ARGUMENT)],
    }),
  ],
  nodes: [3, repeated(NODE)],
  returns: [4, map(text)],
})
export type FunctionDef = Read<typeof FUNCTION>

const GRAPH = message({
  nodes: [1, repeated(NODE)],
  library: [2, message({ functions: [1, repeated(FUNCTION)] })],
})

const TENSOR_INFO = message({ name: [1, text], dtype: [2, int], shape: [3, SHAPE] })
export type TensorInfo = Read<typeof TENSOR_INFO>
const SIGNATURE = message({ inputs: [1, map(TENSOR_INFO)], outputs: [2, map(TENSOR_INFO)] })
export type Signature = Read<typeof SIGNATURE>

const COLLECTION = message({
  nodes: [1, message({ values: [1, repeated(text)] })],
  bytes: [2, message({ values: [1, repeated(bytes)] })],
})

export const VARIABLE = message({
  name: [1, text],
  /** Of a partitioned variable: the part that this one is. */
  slice: [4, optional(message({ fullName: [1, text], offset: [3, ints], shape: [4, ints] }))],
})

const META_GRAPH = message({
  info: [1, message({ tags: [4, repeated(text)], version: [5, text] })],
  graph: [2, GRAPH],
  collections: [4, map(COLLECTION)],
  signatures: [5, map(SIGNATURE)],
  /** A SavedObjectGraph, read apart (`object-graph.ts`). */
  objects: [7, bytes],
})
export type MetaGraph = Read<typeof META_GRAPH>

export const SAVED_MODEL = message({ version: [1, int], metaGraphs: [2, repeated(META_GRAPH)] })

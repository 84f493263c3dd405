import type { DType, Shape, TensorData } from '../../program/program.ts'
import { Message } from './protobuf.ts'

/** One node of a TensorFlow graph; inputs are `name`, `name:1` (an output) or `^name` (runs before). */
export interface NodeDef {
  readonly name: string
  readonly op: string
  readonly inputs: readonly string[]
  readonly attributes: Readonly<Record<string, AttrValue>>
}

/** tensorflow/core/framework/attr_value.proto, by the member of its `value` oneof. */
export type AttrValue =
  | { readonly s: string }
  | { readonly i: number }
  | { readonly f: number }
  | { readonly b: boolean }
  | { readonly type: DType | 'bool' }
  | { readonly shape: Shape }
  | { readonly tensor: { readonly dtype: DType; readonly shape: Shape; readonly data: TensorData } }
  | { readonly ints: readonly number[] }

/** tensorflow/core/framework/types.proto. */
export const DATA_TYPES = { float32: 1, int32: 3, uint8: 4, bool: 10 } as const

/**
 * The graph version that we write as (`producer` of versions.proto). Libraries accept newer producers than they
 * know, and treat older ones as graphs of their time; this one is TensorFlow 2.9's, the oldest library we take.
 */
const PRODUCER = 1087

/** tensorflow/core/framework/graph.proto; `library` and devices are left out. */
export function encodeGraphDef(nodes: Iterable<NodeDef>): Message {
  const graph = new Message()
  for (const node of nodes) graph.message(1, encodeNode(node))
  return graph.message(4, new Message().varint(1, PRODUCER))
}

function encodeNode({ name, op, inputs, attributes }: NodeDef): Message {
  const node = new Message().string(1, name).string(2, op)
  for (const input of inputs) node.string(3, input)
  for (const [key, value] of Object.entries(attributes)) {
    // A map entry: key and value as fields 1 and 2 of a message of its own.
    node.message(5, new Message().string(1, key).message(2, encodeAttribute(value)))
  }
  return node
}

function encodeAttribute(value: AttrValue): Message {
  const message = new Message()
  if ('s' in value) return message.string(2, value.s)
  if ('i' in value) return message.varint(3, value.i)
  if ('f' in value) return message.float(4, value.f)
  if ('b' in value) return message.varint(5, value.b)
  if ('type' in value) return message.varint(6, DATA_TYPES[value.type])
  if ('shape' in value) return message.message(7, encodeShape(value.shape))
  if ('ints' in value) return message.message(1, new Message().packed(3, value.ints))
  const { dtype, shape, data } = value.tensor
  const bytes = new Uint8Array(data.buffer, data.byteOffset, data.byteLength)
  return message.message(
    8,
    new Message().varint(1, DATA_TYPES[dtype]).message(2, encodeShape(shape)).bytes(4, bytes),
  )
}

function encodeShape(shape: Shape): Message {
  const message = new Message()
  for (const size of shape) message.message(2, new Message().varint(1, size))
  return message
}

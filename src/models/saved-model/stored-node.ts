import type { AttrValue, NodeDef } from './graph-def.ts'
import { inputsOf, VARIABLES, type RawFunction } from './functions.ts'
import {
  WEIGHT_OP,
  type Reference,
  type StoredAttribute,
  type StoredConstant,
  type StoredNode,
} from './stored.ts'
import { tensorValue, valueType, type TensorValue } from './tensor-proto.ts'
import { WireError } from './wire.ts'

/** Constants of more numbers than this are weights, so that the JSON stays small. */
export const SMALL = 64

/** The attributes that some op reads; all others (types, shapes that TensorFlow worked out, devices) stay behind. */
const KEPT = new Set([
  'DstT',
  'adj_x',
  'adj_y',
  'alpha',
  'axis',
  'batch_dims',
  'begin_mask',
  'data_format',
  'dilations',
  'ellipsis_mask',
  'else_branch',
  'end_mask',
  'epsilon',
  'explicit_paddings',
  'exponential_avg_factor',
  'f',
  'is_training',
  'keep_dims',
  'ksize',
  'mode',
  'new_axis_mask',
  'num_split',
  'padding',
  'shrink_axis_mask',
  'squeeze_dims',
  'strides',
  'then_branch',
  'transpose_a',
  'transpose_b',
])

export function storedNode(
  raw: RawFunction,
  node: NodeDef,
  refer: (input: string) => Reference,
  /** Gives a big constant its name among the weights. */
  keep: (node: NodeDef, value: TensorValue) => string,
): StoredNode {
  const sources = inputsOf(raw, node).map(refer)
  const inputs = sources.length > 0 ? { inputs: sources } : {}
  const { name, op } = node
  if (op === 'Const') {
    const value = constantOf(raw, node)
    if (!value) return { name, op, ...inputs }
    if (value.values.length > SMALL) {
      return { name, op: WEIGHT_OP, ...inputs, attributes: { weight: keep(node, value) } }
    }
    return { name, op, ...inputs, attributes: { value: { constant: storedConstant(value) } } }
  }
  // a variable of a graph of TF1 has its node's name
  if (VARIABLES.has(op)) return { name, op: WEIGHT_OP, ...inputs, attributes: { weight: name } }
  const attributes = [...node.attributes].flatMap(([key, value]): [string, StoredAttribute][] => {
    const stored = KEPT.has(key) ? storedAttribute(value) : undefined
    return stored === undefined || isUsual(key, stored) ? [] : [[key, stored]]
  })
  if (attributes.length === 0) return { name, op, ...inputs }
  return { name, op, ...inputs, attributes: Object.fromEntries(attributes) }
}

/** What an op is taken to be asked where it does not say. */
function isUsual(key: string, value: StoredAttribute): boolean {
  const usual = USUAL[key]
  return usual !== undefined && JSON.stringify(usual) === JSON.stringify(value)
}

const USUAL: Readonly<Record<string, StoredAttribute>> = {
  adj_x: false,
  adj_y: false,
  begin_mask: 0,
  data_format: 'NHWC',
  dilations: [1, 1, 1, 1],
  ellipsis_mask: 0,
  end_mask: 0,
  explicit_paddings: [],
  keep_dims: false,
  new_axis_mask: 0,
  shrink_axis_mask: 0,
  transpose_a: false,
  transpose_b: false,
}

function constantOf(raw: RawFunction, node: NodeDef): TensorValue | undefined {
  const tensor = node.attributes.get('value')?.tensor
  try {
    return tensor && tensorValue(tensor)
  } catch (error) {
    if (!(error instanceof WireError)) throw error
    throw new WireError(`${raw.name}, ${node.name}: ${error.message}`)
  }
}

export function storedConstant({ type, shape, values }: TensorValue): StoredConstant {
  return {
    type,
    shape,
    values: Array.from(values, (v) => (Number.isFinite(v) && !Object.is(v, -0) ? v : textOf(v))),
  }
}

function textOf(value: number): string {
  return Object.is(value, -0) ? '-0' : String(value)
}

function storedAttribute(value: AttrValue): StoredAttribute | undefined {
  if (value.i !== undefined) return value.i
  if (value.f !== undefined) return value.f
  if (value.b !== undefined) return value.b
  if (value.s !== undefined) return decoder.decode(value.s)
  if (value.type !== undefined) return valueType(value.type)
  if (value.shape) return value.shape.unknownRank ? null : value.shape.dims.map(({ size }) => size)
  if (value.func) return { function: value.func.name }
  if (!value.list) return undefined
  const { i, f, b, s } = value.list
  return i.length > 0 ? i : f.length > 0 ? f : b.length > 0 ? b : s.map((x) => decoder.decode(x))
}

const decoder = new TextDecoder()

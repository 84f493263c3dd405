import type { AttrValue, FunctionDef, NodeDef } from './graph-def.ts'
import {
  WEIGHT_OP,
  type StoredAttribute,
  type StoredConstant,
  type StoredFunction,
  type StoredNode,
} from './stored.ts'
import { tensorValue, valueType, type TensorValue } from './tensor-proto.ts'
import { unused } from './unused.ts'
import { WireError } from './wire.ts'

/** A function, or TF1's graph, before what nothing needs is left out. */
export interface RawFunction {
  readonly name: string
  readonly inputs: readonly string[]
  readonly outputs: readonly string[]
  readonly nodes: ReadonlyMap<string, NodeDef>
  /** Of `NODE:OUTPUT:INDEX`, as functions write it, or `NODE:INDEX`, as graphs do: `NODE:INDEX`. */
  readonly reference: (input: string) => string
  /** Absent: all nodes that change variables; a graph of TF1 says which of them a training step runs. */
  readonly effects?: readonly string[]
}

/** Constants of more numbers than this are weights, so that the JSON stays small. */
export const SMALL = 64

/** Output arguments of ops that have more than one, in order; all others count from their only one. */
const OUTPUTS: Readonly<Record<string, readonly string[]>> = {
  FusedBatchNorm: ['y', 'batch_mean', 'batch_variance', 'reserve_space_1', 'reserve_space_2'],
  FusedBatchNormV2: ['y', 'batch_mean', 'batch_variance', 'reserve_space_1', 'reserve_space_2'],
  FusedBatchNormV3: [
    'y',
    'batch_mean',
    'batch_variance',
    'reserve_space_1',
    'reserve_space_2',
    'reserve_space_3',
  ],
  Switch: ['output_false', 'output_true'],
  RefSwitch: ['output_false', 'output_true'],
  Merge: ['output', 'value_index'],
  RefMerge: ['output', 'value_index'],
  TopKV2: ['values', 'indices'],
  SoftmaxCrossEntropyWithLogits: ['loss', 'backprop'],
  BroadcastGradientArgs: ['r0', 'r1'],
  Unique: ['y', 'idx'],
}

/** The attributes that some op reads; all others (types, shapes that TensorFlow worked out, devices) stay behind. */
const KEPT = new Set([
  'Tidx',
  'DstT',
  'adj_x',
  'adj_y',
  'align_corners',
  'alpha',
  'axis',
  'batch_dims',
  'begin_mask',
  'block_shape',
  'data_format',
  'dilations',
  'dtype',
  'ellipsis_mask',
  'else_branch',
  'end_mask',
  'epsilon',
  'explicit_paddings',
  'exponential_avg_factor',
  'f',
  'half_pixel_centers',
  'is_training',
  'keep_dims',
  'ksize',
  'mode',
  'new_axis_mask',
  'num',
  'num_split',
  'out_type',
  'output_shapes',
  'padding',
  'shape',
  'shrink_axis_mask',
  'squeeze_dims',
  'strides',
  'then_branch',
  'transpose_a',
  'transpose_b',
  'value',
])
const CALLS = new Set(['f', 'then_branch', 'else_branch', 'branches'])

const CHANGES = new Set([
  'AssignVariableOp',
  'AssignAddVariableOp',
  'AssignSubVariableOp',
  'Assign',
  'AssignAdd',
  'AssignSub',
])

/** A function of a library as it stands there. Throws WireError. */
export function functionOf({ signature, nodes, returns }: FunctionDef): RawFunction {
  const { name, inputs, outputs } = signature
  const byName = new Map(nodes.map((node) => [node.name, node]))
  const reference = (input: string): string => {
    if (input.startsWith('^')) return input
    const [node, output, index] = input.split(':') as [string, string?, string?]
    if (output === undefined) return `${node}:0`
    const names = OUTPUTS[byName.get(node)?.op ?? '']
    const at = names ? names.indexOf(output) : 0
    if (at < 0) throw new WireError(`${name} takes ${input}, which is no output`)
    return `${node}:${at + Number(index ?? 0)}`
  }
  return {
    name,
    inputs: inputs.map((input) => `${input.name}:0`),
    outputs: outputs.map((output) => {
      const returned = returns.get(output.name)
      if (returned === undefined) throw new WireError(`${name} does not return ${output.name}`)
      return reference(returned)
    }),
    nodes: byName,
    reference,
  }
}

/** A graph's way of writing an input. */
export function graphReference(input: string): string {
  return input.startsWith('^') || /:\d+$/.test(input) ? input : `${input}:0`
}

export interface Reduced {
  readonly functions: Record<string, StoredFunction>
  /** Constants that became weights. */
  readonly constants: ReadonlyMap<string, TensorValue>
}

/**
 * The functions that `roots` reach, without the nodes that neither an output nor a change of a variable needs. Throws
 * WireError where one is missing or calls itself, and where a constant is damaged.
 */
export function reduce(
  library: ReadonlyMap<string, RawFunction>,
  roots: readonly string[],
  /** Names that weights have already. */
  names: ReadonlySet<string>,
): Reduced {
  const effects = effectsOf(library)
  const functions: Record<string, StoredFunction> = {}
  const constants = new Map<string, TensorValue>()
  const waiting = roots.map((name) => ({ name, from: 'the module' }))
  for (let next = waiting.pop(); next; next = waiting.pop()) {
    const { name, from } = next
    if (Object.hasOwn(functions, name)) continue
    const raw = library.get(name)
    // JSON keeps no key of this name.
    if (!raw || name === '__proto__') {
      throw new WireError(`${from} calls ${name}, which is not there`)
    }
    const changing = effects(name)
    const needed = neededNodes(raw, [...raw.outputs, ...changing.map((node) => `^${node}`)])
    const { inputs } = raw
    const outputs = raw.outputs.map((output) => sourceOf(raw, output))
    const taken = { has: (weight: string) => constants.has(weight) || names.has(weight) }
    const keep = (node: NodeDef, value: TensorValue): string => {
      const weight = unused(`constants/${node.name}`, taken)
      constants.set(weight, value)
      return weight
    }
    const nodes = needed.map((node) => storedNode(raw, node, keep))
    functions[name] = { inputs, outputs, nodes, effects: changing }
    for (const node of needed) {
      for (const callee of callsOf(node, library)) waiting.push({ name: callee, from: name })
    }
  }
  return { functions, constants }
}

/** The nodes of a function that change variables, themselves or in what they call. */
function effectsOf(library: ReadonlyMap<string, RawFunction>): (name: string) => readonly string[] {
  const known = new Map<string, readonly string[]>()
  const visit = (name: string, path: readonly string[]): readonly string[] => {
    const found = known.get(name)
    if (found) return found
    if (path.includes(name)) {
      throw new WireError(
        `functions that call themselves: ${[...path.slice(path.indexOf(name)), name].join(' -> ')}`,
      )
    }
    if (path.length > DEPTH) throw new WireError(`functions that call each other ${DEPTH} deep`)
    const raw = library.get(name)
    const deeper = [...path, name]
    const changing = [...(raw?.nodes.values() ?? [])].filter((node) => {
      const calls = callsOf(node, library).map((callee) => visit(callee, deeper).length > 0)
      return CHANGES.has(node.op) || calls.some(Boolean)
    })
    const effects = raw?.effects ?? changing.map((node) => node.name)
    known.set(name, effects)
    return effects
  }
  return (name) => visit(name, [])
}

/** Functions within functions; TensorFlow's tracing goes about ten deep. */
const DEPTH = 200

/** The functions that a node calls; in a graph of TF1 an op may be one by its name. */
function callsOf({ op, attributes }: NodeDef, library: ReadonlyMap<string, RawFunction>): string[] {
  if (library.has(op)) return [op]
  return [...attributes].flatMap(([key, { func }]) => (func && CALLS.has(key) ? [func.name] : []))
}

/** The nodes that the references lead to, in the function's own order; arguments are none. */
function neededNodes(raw: RawFunction, references: readonly string[]): NodeDef[] {
  const given = new Set(raw.inputs)
  const needed = new Set<string>()
  const stack = references
    .map((reference) => sourceOf(raw, reference))
    .filter((reference) => !given.has(reference))
    .map(nodeName)
  for (let name = stack.pop(); name !== undefined; name = stack.pop()) {
    if (needed.has(name)) continue
    const node = raw.nodes.get(name)
    if (!node) throw new WireError(`${raw.name} has no node ${name} that another takes`)
    needed.add(name)
    for (const input of inputsOf(raw, node)) if (!given.has(input)) stack.push(nodeName(input))
  }
  return [...raw.nodes.values()].filter((node) => needed.has(node.name))
}

/** References; of the nodes that must only have run those that tell which side of a TF1 condition is alive. */
function inputsOf(raw: RawFunction, { inputs }: NodeDef): string[] {
  const conditional = afterSwitch(raw)
  return inputs
    .filter((input) => !input.startsWith('^') || conditional.has(input.slice(1)))
    .map((input) => sourceOf(raw, raw.reference(input)))
}

/** What a reference comes to behind ops that only hand on; those of TF1's conditions say too which side is alive. */
function sourceOf(raw: RawFunction, reference: string): string {
  if (reference.startsWith('^') || afterSwitch(raw).size > 0) return reference
  const given = new Set(raw.inputs)
  let source = reference
  // no way is longer but one that goes round
  for (let steps = raw.nodes.size; steps > 0 && !given.has(source); steps -= 1) {
    const node = raw.nodes.get(nodeName(source))
    const input = node && HANDS_ON.has(node.op) ? node.inputs[0] : undefined
    if (input === undefined || input.startsWith('^')) return source
    source = raw.reference(input)
  }
  return source
}

const HANDS_ON = new Set(['Identity', 'ReadVariableOp', 'DisableCopyOnRead', 'Snapshot'])

const conditionals = new WeakMap<RawFunction, ReadonlySet<string>>()

/** The nodes that run or not by the way a Switch goes. */
function afterSwitch(raw: RawFunction): ReadonlySet<string> {
  const known = conditionals.get(raw)
  if (known) return known
  const stack = [...raw.nodes.values()].filter(({ op }) => SWITCHES.has(op)).map(({ name }) => name)
  const after = new Set<string>()
  conditionals.set(raw, after)
  if (stack.length === 0) return after
  const consumers = new Map<string, string[]>()
  for (const node of raw.nodes.values()) {
    for (const input of node.inputs) {
      const from = nodeName(raw.reference(input))
      const known = consumers.get(from)
      if (known) known.push(node.name)
      else consumers.set(from, [node.name])
    }
  }
  for (let name = stack.pop(); name !== undefined; name = stack.pop()) {
    if (after.has(name)) continue
    after.add(name)
    for (const consumer of consumers.get(name) ?? []) stack.push(consumer)
  }
  return after
}

const SWITCHES = new Set(['Switch', 'RefSwitch'])

/** Ops that hold a variable of a graph of TF1. */
export const VARIABLES = new Set(['VariableV2', 'Variable', 'VarHandleOp'])

export function nodeName(reference: string): string {
  const name = reference.startsWith('^') ? reference.slice(1) : reference
  const colon = name.lastIndexOf(':')
  return colon < 0 ? name : name.slice(0, colon)
}

function storedNode(
  raw: RawFunction,
  node: NodeDef,
  /** Gives a big constant its name among the weights. */
  keep: (node: NodeDef, value: TensorValue) => string,
): StoredNode {
  const inputs = inputsOf(raw, node)
  const { name } = node
  if (node.op === 'Const') {
    const value = constantOf(raw, node)
    if (value && value.values.length > SMALL) {
      return { name, op: WEIGHT_OP, inputs, attributes: { weight: keep(node, value) } }
    }
    const attributes: StoredNode['attributes'] = value
      ? { value: { constant: storedConstant(value) } }
      : {}
    return { name, op: 'Const', inputs, attributes }
  }
  // a variable of a graph of TF1 has its node's name
  if (VARIABLES.has(node.op)) return { name, op: WEIGHT_OP, inputs, attributes: { weight: name } }
  const attributes = Object.fromEntries(
    [...node.attributes].flatMap(([key, value]) => {
      const stored = KEPT.has(key) ? storedAttribute(value) : undefined
      return stored === undefined ? [] : [[key, stored]]
    }),
  )
  return { name, op: node.op, inputs, attributes }
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

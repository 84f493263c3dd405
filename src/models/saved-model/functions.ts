import type { FunctionDef, NodeDef } from './graph-def.ts'
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

/** References; of the nodes that must only have run those that tell which side of a TF1 condition is alive. */
export function inputsOf(raw: RawFunction, { inputs }: NodeDef): string[] {
  const conditional = afterSwitch(raw)
  return inputs
    .filter((input) => !input.startsWith('^') || conditional.has(input.slice(1)))
    .map((input) => sourceOf(raw, raw.reference(input)))
}

/** What a reference comes to behind ops that only hand on; those of TF1's conditions say too which side is alive. */
export function sourceOf(raw: RawFunction, reference: string): string {
  if (reference.startsWith('^') || afterSwitch(raw).size > 0) return reference
  const given = givenOf(raw)
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

const inputSets = new WeakMap<RawFunction, ReadonlySet<string>>()

export function givenOf(raw: RawFunction): ReadonlySet<string> {
  const known = inputSets.get(raw) ?? new Set(raw.inputs)
  inputSets.set(raw, known)
  return known
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

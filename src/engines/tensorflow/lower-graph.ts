import { rootsOf } from '../../program/builder.ts'
import { expandComposites } from '../../program/expand-composites.ts'
import { expandUpdates } from '../../program/expand-updates.ts'
import type { OpName } from '../../program/ops.ts'
import type {
  DType,
  Entry,
  Node,
  Program,
  Tensor,
  TensorData,
  TensorType,
} from '../../program/program.ts'
import { simplify } from '../../program/simplify.ts'
import { UPDATE_RULES } from '../../program/updates.ts'
import type { NodeDef } from './graph-def.ts'
import { hasKernel } from './lower-gradients.ts'
import type { LowerOp } from './lower-op.ts'
import { LOWER, LOWER_APART } from './lower-ops.ts'
import { lowerUpdates } from './lower-updates.ts'
import { NodeWriter } from './node-writer.ts'

const INDEX = { type: 'int32' } as const

/** A Program as TensorFlow nodes; a name is a node's, its first output, or `name:1` for a further one. */
export interface LoweredGraph {
  readonly nodes: readonly NodeDef[]
  /** Layer by node name. */
  readonly layerOf: ReadonlyMap<string, string>
  readonly entries: Readonly<Record<string, LoweredEntry>>
  /** The program's, in its order, then the engine's own. */
  readonly variables: readonly LoweredVariable[]
}

export interface LoweredEntry {
  readonly feeds: readonly LoweredTensor[]
  readonly fetches: readonly LoweredTensor[]
  /** The updates: run, not fetched. */
  readonly targets: readonly string[]
}

export interface LoweredTensor extends TensorType {
  /** What the caller calls it. */
  readonly name: string
  readonly node: string
}

export interface LoweredVariable extends TensorType {
  readonly name: string
  /** Absent: zeros, written without a feed. */
  readonly initial: TensorData | undefined
  /** One of the program's; the engine's own are set once and never read back. */
  readonly ofProgram: boolean
  /** The placeholder that `assign` takes the value from. */
  readonly feed: string | undefined
  readonly assign: string
  readonly read: string
}

/**
 * Constants past this many bytes become variables that are set once, the biggest first. TensorFlow keeps about six
 * copies of a constant (the graph, its optimizer's, the kernel's ...) and one of a variable, and neither is faster; and a
 * graph is one protobuf message, which may have 2 GiB. Below it a constant saves the reading.
 */
const CONSTANT_BYTES = 2 ** 24

export function lowerGraph(
  given: Program,
  { constantBytes = CONSTANT_BYTES }: { constantBytes?: number | undefined } = {},
): LoweredGraph {
  const program = expanded(given)
  const state = newState()
  for (const { name, shape, initial } of program.variables) {
    declare(state, name, { shape, dtype: 'float32' }, { initial, ofProgram: true })
  }
  const facts = { spilled: spill(program.nodes, constantBytes), users: countUsers(program) }
  for (const node of program.nodes) {
    const local = `${node.op}_${node.id}`
    const scope = node.layer === undefined ? local : `${node.layer}/${local}`
    const names = state.writer.within(scope, node.layer, () => lowerNode(state, node, facts))
    node.outputs.forEach((t, i) =>
      state.names.set(t, typeof names === 'string' ? names : names[i]!),
    )
  }
  const shapes = new Map(program.variables.map((v) => [v.name, v.shape]))
  const scratch = (like: string): string => {
    const shape = shapes.get(like)!
    const name = `scratch ${shape.join()}`
    if (!state.handles.has(name)) declare(state, name, { shape, dtype: 'float32' }, {})
    return name
  }
  const entries: Record<string, LoweredEntry> = {}
  for (const [name, entry] of Object.entries(program.entries)) {
    entries[name] = lowerEntry(state, name, entry, scratch)
  }
  return {
    nodes: state.writer.nodes,
    layerOf: state.writer.layerOf,
    entries,
    variables: state.variables,
  }
}

/** With the updates and gradients that TensorFlow has no op for in primitive ops; what updates have in common once. */
function expanded(program: Program): Program {
  const updates = expandUpdates(program, (u) => UPDATE_RULES[u.rule].fused !== undefined)
  return expandComposites(updates === program ? program : simplify(updates), hasKernel)
}

interface State {
  readonly writer: NodeWriter
  readonly variables: LoweredVariable[]
  /** VarHandleOp by variable. */
  readonly handles: Map<string, string>
  readonly names: Map<Tensor, string>
}

function newState(): State {
  return { writer: new NodeWriter(), variables: [], handles: new Map(), names: new Map() }
}

function lowerNode(
  state: State,
  node: Node,
  { spilled, users }: { spilled: ReadonlySet<Node>; users: ReadonlyMap<Tensor, number> },
): ReturnType<LowerOp<OpName>> {
  const { writer: w, handles, names } = state
  switch (node.op) {
    case 'input': {
      const { shape, dtype } = (node as Node<'input'>).attributes
      return w.add('Placeholder', [], { dtype: { type: dtype }, shape: { shape } })
    }
    case 'constant': {
      const { data, shape, dtype } = (node as Node<'constant'>).attributes
      if (!spilled.has(node)) return w.constant(data, shape, dtype)
      declare(state, `constant ${node.id}`, { shape, dtype }, { initial: data })
      return readNode(w, handles.get(`constant ${node.id}`)!, dtype)
    }
    case 'variable':
      return readNode(w, handles.get((node as Node<'variable'>).attributes.name)!, 'float32')
    default: {
      const inputs = node.inputs.map((input) => names.get(input)!)
      const apart = LOWER_APART[node.op]
      if (apart && isShared(node.inputs[0]!, users)) return apart(w, inputs[0]!)
      return (LOWER[node.op as keyof typeof LOWER] as LowerOp<OpName>)(w, inputs, node)
    }
  }
}

function lowerEntry(
  { writer: w, handles, names }: State,
  name: string,
  { feeds, fetches, updates }: Entry,
  scratch: (like: string) => string,
): LoweredEntry {
  const nameOf = (tensor: Tensor): string => names.get(tensor)!
  const lowered = (tensors: Readonly<Record<string, Tensor>>, node: (t: Tensor) => string) =>
    Object.entries(tensors).map(([key, t]) => ({
      name: key,
      shape: t.shape,
      dtype: t.dtype,
      node: node(t),
    }))
  const fetched = (t: Tensor): string => {
    if (t.node.op !== 'input') return nameOf(t)
    // TensorFlow refuses a tensor that is fed and fetched.
    const key = `identity ${nameOf(t)}`
    return w.once(key, 'identity', () => w.add('Identity', [nameOf(t)], { T: { type: t.dtype } }))
  }
  return {
    feeds: lowered(feeds, nameOf),
    fetches: lowered(fetches, fetched),
    targets: w.within(`update/${name}`, undefined, () =>
      lowerUpdates(
        { feeds, fetches, updates },
        {
          writer: w,
          nameOf,
          handle: (variable) => handles.get(variable)!,
          scratch,
        },
      ),
    ),
  }
}

/** A resource variable with what sets and reads it from outside. */
function declare(
  { writer: w, handles, variables }: State,
  name: string,
  { shape, dtype }: TensorType,
  { initial, ofProgram = false }: { initial?: TensorData; ofProgram?: boolean },
): void {
  w.within(`variable/${name}`, undefined, () => {
    const typed = { dtype: { type: dtype }, shape: { shape } } as const
    const handle = w.add('VarHandleOp', [], {
      ...typed,
      shared_name: { s: name },
      container: { s: '' },
    })
    handles.set(name, handle)
    const feed = initial && w.add('Placeholder', [], typed)
    const zeros = (): string =>
      w.add('Fill', [w.integers(shape), w.scalar(0)], { T: { type: dtype }, index_type: INDEX })
    const assign = w.add('AssignVariableOp', [handle, feed ?? zeros()], { dtype: { type: dtype } })
    const read = readNode(w, handle, dtype)
    variables.push({ name, shape, dtype, initial, ofProgram, feed, assign, read })
  })
}

function readNode(w: NodeWriter, handle: string, dtype: DType): string {
  return w.add('ReadVariableOp', [handle], { dtype: { type: dtype } })
}

/** How often each tensor is an input, a fetch or what an update takes. */
function countUsers({ nodes, entries }: Program): Map<Tensor, number> {
  const users = new Map<Tensor, number>()
  const uses = [
    ...nodes.flatMap((node) => node.inputs),
    ...Object.values(entries).flatMap((entry) => rootsOf(entry)),
  ]
  for (const tensor of uses) users.set(tensor, (users.get(tensor) ?? 0) + 1)
  return users
}

/** A sum that others use too. */
function isShared(x: Tensor, users: ReadonlyMap<Tensor, number>): boolean {
  return x.node.op === 'add' && users.get(x)! > 1
}

/** The constants that do not fit into `limit` bytes together, the biggest first. */
function spill(nodes: readonly Node[], limit: number): Set<Node> {
  const constants = nodes
    .filter((node) => node.op === 'constant')
    .map((node) => ({ node, bytes: (node as Node<'constant'>).attributes.data.byteLength }))
    .sort((a, b) => a.bytes - b.bytes)
  let total = 0
  return new Set(constants.filter(({ bytes }) => (total += bytes) > limit).map(({ node }) => node))
}

import { reach, rootsOf } from './builder.ts'
import { expandUpdates } from './expand-updates.ts'
import type { OpAttributes } from './ops.ts'
import { sizeOf, type Entry, type Node, type Program, type Tensor } from './program.ts'
import { computeNode, type Doubles, type Value } from './reference.ts'

/** What an entry gives: its fetches, and all variables after its updates. */
export interface Evaluation {
  readonly fetches: Record<string, Doubles>
  readonly variables: Map<string, Doubles>
}

/**
 * Runs one entry in plain float64, slowly and without an engine: the oracle for gradients (by finite
 * differences) and for the engines. Nothing is rounded to float32 on the way. `variables` holds current values
 * by name; those not in it have their initial ones.
 */
export function evaluate(
  program: Program,
  name: string,
  feeds: Readonly<Record<string, ArrayLike<number>>> = {},
  variables: ReadonlyMap<string, ArrayLike<number>> = new Map(),
): Evaluation {
  const plain = expandUpdates(program)
  const entry = plain.entries[name]
  if (!entry) throw new TypeError(`no entry ${name}`)
  const state = new Map<string, Doubles>(
    plain.variables.map((v) => [v.name, Float64Array.from(variables.get(v.name) ?? v.initial)]),
  )
  const values = new Map<Tensor, Value>()
  for (const node of inOrder(entry)) {
    const source = fed(node, feeds, state)
    const inputs = node.inputs.map((t) => values.get(t)!)
    const results = source ? [source] : computeNode(node, inputs)
    node.outputs.forEach((t, i) => values.set(t, { data: results[i]!, shape: t.shape }))
  }
  const result = (t: Tensor): Doubles => values.get(t)!.data
  for (const u of entry.updates) if (u.kind === 'assign') state.set(u.variable, result(u.value))
  const fetches = Object.entries(entry.fetches).map(([key, t]) => [key, result(t)] as const)
  return { fetches: Object.fromEntries(fetches), variables: state }
}

function inOrder(entry: Entry): Node[] {
  return [...reach(rootsOf(entry))].sort((a, b) => a.id - b.id)
}

function fed(
  node: Node,
  feeds: Readonly<Record<string, ArrayLike<number>>>,
  state: ReadonlyMap<string, Doubles>,
): Doubles | undefined {
  if (node.op === 'variable') {
    return state.get((node.attributes as OpAttributes['variable']).name)!
  }
  if (node.op !== 'input') return undefined
  const { name, shape } = node.attributes as OpAttributes['input']
  const feed = feeds[name]
  if (feed?.length !== sizeOf(shape)) {
    throw new TypeError(`feed ${name}: ${sizeOf(shape)} values, got ${feed?.length ?? 'none'}`)
  }
  return Float64Array.from(feed)
}

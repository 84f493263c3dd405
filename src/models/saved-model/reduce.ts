import { givenOf, inputsOf, nodeName, sourceOf, type RawFunction } from './functions.ts'
import type { NodeDef } from './graph-def.ts'
import { storedNode } from './stored-node.ts'
import type { Reference, StoredFunction } from './stored.ts'
import type { TensorValue } from './tensor-proto.ts'
import { unused } from './unused.ts'
import { WireError } from './wire.ts'

const CALLS = new Set(['f', 'then_branch', 'else_branch', 'branches'])

const CHANGES = new Set([
  'AssignVariableOp',
  'AssignAddVariableOp',
  'AssignSubVariableOp',
  'Assign',
  'AssignAdd',
  'AssignSub',
])

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
    const refer = references(raw, needed)
    const taken = { has: (weight: string) => constants.has(weight) || names.has(weight) }
    const keep = (node: NodeDef, value: TensorValue): string => {
      const weight = unused(`constants/${node.name}`, taken)
      constants.set(weight, value)
      return weight
    }
    functions[name] = {
      outputs: raw.outputs.map((output) => refer(sourceOf(raw, output))),
      nodes: needed.map((node) => storedNode(raw, node, refer, keep)),
      effects: changing.map((node) => Number(refer(`^${node}`).slice(1))),
    }
    for (const node of needed) {
      for (const callee of callsOf(node, library)) waiting.push({ name: callee, from: name })
    }
  }
  return { functions, constants }
}

/** `NODE:INDEX`, and `^NODE`, as they are stored. */
function references(raw: RawFunction, nodes: readonly NodeDef[]): (input: string) => Reference {
  const given = new Map(raw.inputs.map((input, i) => [input, i]))
  const positions = new Map(nodes.map(({ name }, i) => [name, i]))
  return (input) => {
    const argument = given.get(input)
    if (argument !== undefined) return `@${argument}`
    const position = positions.get(nodeName(input))!
    if (input.startsWith('^')) return `^${position}`
    const index = input.slice(input.lastIndexOf(':') + 1)
    return index === '0' ? `${position}` : `${position}:${index}`
  }
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
  const given = givenOf(raw)
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

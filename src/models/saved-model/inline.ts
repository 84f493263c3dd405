import type { Builder } from '../../program/builder.ts'
import type { Shape, Tensor } from '../../program/program.ts'
import { Misfit } from '../../program/shapes.ts'
import { failure, type PipelineError } from '../../util/diagnostic.ts'
import { Call, checkedSize, Limits, type Handlers, type Surroundings } from './call.ts'
import { ARITHMETIC } from './ops/arithmetic.ts'
import { ARRANGE } from './ops/arrange.ts'
import { FLOW, TOLERANT } from './ops/flow.ts'
import { NETWORK } from './ops/network.ts'
import { listed, type Problem } from './problems.ts'
import {
  WEIGHT_OP,
  type Argument,
  type Endpoint,
  type Reference,
  type SavedModelConfig,
  type StoredFunction,
  type StoredNode,
} from './stored.ts'
import { DEAD, Malformed, traced, UNKNOWN, Unsupported, type Value } from './values.ts'

/** Every op of TensorFlow that can be imported. */
export const HANDLERS: Handlers = { ...FLOW, ...ARRANGE, ...ARITHMETIC, ...NETWORK }

export interface Inlining {
  readonly b: Builder
  readonly config: SavedModelConfig
  /** [batch, ...], float32. */
  readonly inputs: readonly Tensor[]
  readonly weight: (name: string) => Tensor
  /** In training; draws on [0, 1), those of a picture along the first axis. */
  readonly uniform?: ((key: string, shape: Shape) => Tensor) | undefined
  /** In training: what a variable becomes at the end of the step. */
  readonly assign?: ((name: string, value: Tensor) => void) | undefined
  /** Every node of the Program says in its `layer` what it is of: `OP PATH/NODE`. Default: as the builder has it. */
  readonly labelled?: boolean | undefined
}

/**
 * An endpoint as ops: functions inlined, conditions decided, what is known computed. Throws BAD_WEIGHTS that lists every
 * op outside the table with its nodes, or tells where the graph contradicts itself.
 */
export function inline(endpoint: Endpoint, inlining: Inlining): Tensor {
  const { assign } = inlining
  const pass = new Pass(inlining, assign !== undefined)
  const output = pass.endpoint(endpoint)
  for (const [name, value] of pass.changed) assign?.(name, value)
  return output
}

class Pass {
  readonly changed = new Map<string, Tensor>()
  readonly #inlining: Inlining
  readonly #training: boolean
  readonly #problems: Problem[] = []
  /** What cannot be imported is wanted: it is no mere seed. */
  #lost = false
  readonly #around: Surroundings

  constructor(inlining: Inlining, training: boolean) {
    this.#inlining = inlining
    this.#training = training
    const { b, weight } = inlining
    const { weights } = inlining.config
    const integers = new Set(weights.filter((w) => w.integer).map(({ name }) => name))
    const lost = () => {
      this.#lost = true
    }
    const limits = new Limits()
    this.#around = { b, weight, changed: this.changed, integers, lost, limits }
  }

  endpoint({ function: name, arguments: given, output }: Endpoint): Tensor {
    const values = this.#run(
      name,
      given.map((argument) => this.#argument(argument)),
      '',
    )
    const value = values[output]
    const needed = this.#lost || value?.kind === 'unknown'
    if (needed && this.#problems.length > 0) throw notImported(this.#problems)
    if (!value || value.kind === 'dead' || value.kind === 'unknown') {
      const what = value?.kind === 'unknown' ? 'depends on what is no number' : 'is not there'
      throw failure('BAD_WEIGHTS', `output ${output} of the SavedModel's ${name} ${what}`)
    }
    return this.#call({ name, op: 'output' }, []).toTensor(value)
  }

  #argument(argument: Argument): Value {
    switch (argument.kind) {
      case 'input': {
        const tensor = this.#inlining.inputs[argument.index]
        if (!tensor) throw new TypeError(`no input ${argument.index}`)
        return traced('float', tensor)
      }
      case 'weight':
        return { kind: 'weight', name: argument.weight }
      case 'constant':
        return this.#call({ name: 'argument', op: 'Const' }, []).constant(argument.constant)
      case 'missing':
        return UNKNOWN
    }
  }

  #call(node: StoredNode, inputs: readonly Value[], path = ''): Call {
    const { uniform } = this.#inlining
    const draw =
      uniform && this.#training
        ? (key: string, shape: Shape) => uniform(`${path}${key}`, shape)
        : undefined
    return new Call(node, inputs, { ...this.#around, uniform: draw })
  }

  /** The outputs of one call of a function; `path` names the calls it stands in. */
  #run(name: string, given: readonly Value[], path: string): Value[] {
    const { functions } = this.#inlining.config
    const called = Object.hasOwn(functions, name) ? functions[name] : undefined
    if (!called) throw failure('BAD_WEIGHTS', `the SavedModel has no function ${name}`)
    const scope = new Scope(called, given)
    const wanted = [
      ...called.outputs,
      ...(this.#training ? called.effects.map((n) => `^${n}`) : []),
    ]
    for (const position of scope.order(name, wanted)) {
      scope.set(position, this.#node(called.nodes[position]!, scope, path))
    }
    return called.outputs.map((reference) => scope.get(reference))
  }

  #node(node: StoredNode, scope: Scope, path: string): readonly Value[] {
    const references = node.inputs ?? []
    const values = references.map((reference) => scope.get(reference))
    const inputs = values.filter((_, i) => !references[i]!.startsWith('^'))
    const merges = node.op === 'Merge' || node.op === 'RefMerge'
    if (values.some((v) => v.kind === 'dead') && !merges) return [DEAD]
    try {
      this.#around.limits.node(references.length)
      return this.#dispatch(node, inputs, path)
    } catch (error) {
      if (error instanceof Unsupported) {
        this.#problems.push({ op: node.op, why: error.message, node: `${path}${node.name}` })
        return [UNKNOWN]
      }
      if (error instanceof Malformed || error instanceof Misfit) {
        const where = `${path}${node.name} (${node.op})`
        throw failure('BAD_WEIGHTS', `the SavedModel's ${where}: ${error.message}`, {
          cause: error,
        })
      }
      throw error
    }
  }

  #dispatch(node: StoredNode, inputs: readonly Value[], path: string): readonly Value[] {
    if (node.op === WEIGHT_OP)
      return [{ kind: 'weight', name: String(node.attributes?.['weight']) }]
    if (node.op === 'Const') return [this.#constant(node)]
    const callee = calleeOf(node, inputs)
    if (callee === 'both') throw new Unsupported('by a condition known only while it runs')
    if (callee) return this.#run(callee.name, callee.inputs, `${path}${node.name}/`)
    const handler = Object.hasOwn(HANDLERS, node.op) ? HANDLERS[node.op] : undefined
    if (!handler) {
      if (Object.hasOwn(this.#inlining.config.functions, node.op)) {
        return this.#run(node.op, inputs, `${path}${node.name}/`)
      }
      throw new Unsupported('')
    }
    const blind = inputs.some((value) => value.kind === 'unknown')
    if (blind && !TOLERANT.has(node.op)) return [UNKNOWN]
    const build = () => handler(this.#call(node, inputs, path))
    const { b, labelled } = this.#inlining
    const result = labelled ? b.inLayer(`${node.op} ${path}${node.name}`, build) : build()
    const values = Array.isArray(result) ? (result as readonly Value[]) : [result as Value]
    for (const value of values) if (!inputs.includes(value)) this.#count(value)
    return values
  }

  /** What is made anew takes memory, now or when it runs. */
  #count(value: Value): void {
    if (value.kind === 'host') this.#around.limits.numbers(value.data.length)
    if (value.kind === 'traced') checkedSize(value.tensor.shape)
  }

  #constant(node: StoredNode): Value {
    const value = node.attributes?.['value']
    if (typeof value !== 'object' || value === null || !('constant' in value)) return UNKNOWN
    return this.#call(node, []).constant(value.constant)
  }
}

/** The function that a node calls, with its inputs; 'both' where a condition that is not known decides. */
function calleeOf(node: StoredNode, inputs: readonly Value[]) {
  const called = (name: string): string => {
    const attribute = node.attributes?.[name]
    if (typeof attribute === 'object' && attribute !== null && 'function' in attribute) {
      return attribute.function
    }
    throw new Malformed(`it has no function ${name}`)
  }
  switch (node.op) {
    case 'PartitionedCall':
    case 'StatefulPartitionedCall':
      return { name: called('f'), inputs }
    case 'If':
    case 'StatelessIf': {
      const [condition, ...rest] = inputs
      if (condition?.kind !== 'host') return 'both'
      return { name: called(condition.data[0] === 0 ? 'else_branch' : 'then_branch'), inputs: rest }
    }
    default:
      return undefined
  }
}

/** The values of one call of a function. */
class Scope {
  readonly #nodes: readonly StoredNode[]
  readonly #given: readonly Value[]
  /** By the node's position. */
  readonly #values: (readonly Value[])[] = []

  constructor({ nodes }: StoredFunction, given: readonly Value[]) {
    this.#nodes = nodes
    this.#given = given
  }

  set(position: number, values: readonly Value[]): void {
    this.#values[position] = values
  }

  /** Of `^NODE`: dead or not. */
  get(reference: Reference): Value {
    if (reference.startsWith('@')) return this.#given[Number(reference.slice(1))] ?? UNKNOWN
    const values = this.#values[positionOf(reference)!] ?? []
    if (reference.startsWith('^')) return values.some((v) => v.kind === 'dead') ? DEAD : UNKNOWN
    const colon = reference.indexOf(':')
    const index = colon < 0 ? 0 : Number(reference.slice(colon + 1))
    // the one DEAD or UNKNOWN of a node stands for all of its outputs
    return values[index] ?? (values[0]?.kind === 'dead' ? DEAD : UNKNOWN)
  }

  /** The positions of the nodes that the references need, each behind its inputs. Throws BAD_WEIGHTS for a cycle. */
  order(name: string, references: readonly Reference[]): number[] {
    const state: ('open' | 'done' | undefined)[] = []
    const order: number[] = []
    const stack = positionsOf(references)
    while (stack.length > 0) {
      const node = stack.at(-1)!
      if (state[node] === 'done') {
        stack.pop()
      } else if (state[node] === 'open') {
        state[node] = 'done'
        order.push(node)
        stack.pop()
      } else {
        state[node] = 'open'
        const before = positionsOf(this.#nodes[node]?.inputs ?? [])
        const open = before.find((input) => state[input] === 'open')
        if (open !== undefined) {
          const at = this.#nodes[open]!.name
          const message = `the SavedModel's ${name} goes round in a circle at ${at}`
          throw failure('BAD_WEIGHTS', message, { hint: 'loops cannot be imported' })
        }
        for (const input of before) if (state[input] === undefined) stack.push(input)
      }
    }
    return order
  }
}

/** Undefined for an argument. */
function positionOf(reference: Reference): number | undefined {
  if (reference.startsWith('@')) return undefined
  return Number.parseInt(reference.startsWith('^') ? reference.slice(1) : reference, 10)
}

function positionsOf(references: readonly Reference[]): number[] {
  return references.map(positionOf).filter((position) => position !== undefined)
}

function notImported(problems: readonly Problem[]): PipelineError {
  return failure(
    'BAD_WEIGHTS',
    `the SavedModel uses ops that cannot be imported: ${listed(problems)}`,
    {
      hint: 'nothing else of it is missing: take a module without them, or one of the base models by name',
    },
  )
}

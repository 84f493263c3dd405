import { reach, rootsOf } from '../../program/builder.ts'
import type { Entry, Node, Tensor, Update } from '../../program/program.ts'
import { UPDATE_RULES } from '../../program/updates.ts'
import type { NodeWriter } from './node-writer.ts'

type RuleUpdate = Extract<Update, { kind: 'rule' }>

/** What the updates need to know of the graph around them. */
export interface UpdateScope {
  readonly writer: NodeWriter
  /** The name of a tensor in the graph. */
  readonly nameOf: (tensor: Tensor) => string
  /** The name of a variable's handle. */
  readonly handle: (variable: string) => string
  /** The name of a variable of the engine's own, of the other's shape, whose value between updates means nothing. */
  readonly scratch: (like: string) => string
}

const FLOAT = { T: { type: 'float32' } } as const
const FLOAT_VALUE = { dtype: { type: 'float32' } } as const

/**
 * Writes the updates of an entry and returns the last node of each. An update runs after every read of the
 * variables it touches and after the updates before it that touch them: so whatever is fetched or computed has
 * the old values. It also waits for those who use what was read: TensorFlow copies a variable that is updated
 * while somebody still holds its value.
 */
export function lowerUpdates(entry: Entry, scope: UpdateScope): string[] {
  const users = usersOfReads(entry)
  const last = new Map<string, string>()
  return entry.updates.map((update) => {
    const before = reach(inputsOf(update))
    const touched = touchedBy(update, scope)
    const after = touched.flatMap((variable) => [
      ...[...(users.get(variable) ?? [])]
        // Those that the update's own inputs depend on are before it anyway.
        .filter((node) => node.op === 'variable' || !before.has(node))
        .map((node) => `^${scope.nameOf(node.outputs[0]!)}`),
      ...(last.has(variable) ? [`^${last.get(variable)!}`] : []),
    ])
    const done =
      update.kind === 'assign'
        ? scope.writer.add(
            'AssignVariableOp',
            [scope.handle(update.variable), scope.nameOf(update.value), ...after],
            FLOAT_VALUE,
          )
        : lowerRule(update, scope, after)
    for (const variable of touched) last.set(variable, done)
    return done
  })
}

/**
 * The optimizer's arithmetic as one op. Inputs by name, in the op's order: `.name` is a slot, a plain name a scalar
 * or a constant of the rule.
 */
const FUSED: Readonly<Record<string, string>> = {
  ResourceApplyGradientDescent: 'variable learningRate gradient',
  ResourceApplyKerasMomentum: 'variable .momentum learningRate gradient momentum',
  ResourceApplyRMSProp: 'variable .velocity .momentum learningRate rho momentum epsilon gradient',
  ResourceApplyCenteredRMSProp:
    'variable .averageGradient .velocity .momentum learningRate rho momentum epsilon gradient',
  ResourceApplyAdam:
    'variable .momentum .velocity beta1Power beta2Power learningRate beta1 beta2 epsilon gradient',
  ResourceApplyAdamWithAmsgrad:
    'variable .momentum .velocity .velocityHat beta1Power beta2Power learningRate beta1 beta2 epsilon gradient',
  ResourceApplyAdadelta:
    'variable .accumulatedGradient .accumulatedDelta learningRate rho epsilon gradient',
  ResourceApplyAdaMax:
    'variable .momentum .norm beta1Power learningRate beta1 beta2 epsilon gradient',
}

function lowerRule(u: RuleUpdate, scope: UpdateScope, after: readonly string[]): string {
  const { writer: w } = scope
  const scalar = (name: string): string => {
    if (u.scalars[name]) return scope.nameOf(u.scalars[name])
    // RMSprop's op has a momentum that Keras leaves out at 0.
    return w.scalar(Number(u.constants[name] ?? 0))
  }
  const power = (beta: string): string => {
    const operands = [scalar(beta), scalar('step')]
    return w.once(`pow ${operands.join()}`, `${beta}Power`, () => w.add('Pow', operands, FLOAT))
  }
  const input = (name: string): string => {
    if (name === 'variable') return scope.handle(u.variable)
    if (name === 'gradient') return scope.nameOf(u.gradient)
    if (name.endsWith('Power')) return power(name.slice(0, -'Power'.length))
    return name.startsWith('.') ? scope.handle(slotOf(u, name, scope)) : scalar(name)
  }
  const { op, names } = fusedOf(u)
  const inputs = names.map(input)
  const decay = u.constants.weightDecay ? [`^${lowerDecay(u, scope, after)}`] : []
  const nesterov = op === 'ResourceApplyKerasMomentum' && {
    use_nesterov: { b: u.constants.nesterov === true },
  }
  return w.add(op, [...inputs, ...after, ...decay], { ...FLOAT, ...nesterov })
}

/** `variable -= variable * weightDecay * learningRate`, of the value before the rule's own step. */
function lowerDecay(u: RuleUpdate, scope: UpdateScope, after: readonly string[]): string {
  const { writer: w } = scope
  const factors = [w.scalar(Number(u.constants.weightDecay)), scope.nameOf(u.scalars.learningRate!)]
  const rate = w.once(`mul ${factors.join()}`, 'weightDecay', () => w.add('Mul', factors, FLOAT))
  const value = w.add('ReadVariableOp', [scope.handle(u.variable), ...after], FLOAT_VALUE)
  const step = w.add('Mul', [value, rate], FLOAT)
  return w.add('AssignSubVariableOp', [scope.handle(u.variable), step], FLOAT_VALUE)
}

/** By variable: the nodes of this entry that read it, and those that use what was read. */
function usersOfReads(entry: Entry): Map<string, Set<Node>> {
  const users = new Map<string, Set<Node>>()
  const add = (read: Node, node: Node): void => {
    const { name } = (read as Node<'variable'>).attributes
    users.set(name, (users.get(name) ?? new Set()).add(node))
  }
  for (const node of reach(rootsOf(entry))) {
    if (node.op === 'variable') add(node, node)
    for (const input of node.inputs) if (input.node.op === 'variable') add(input.node, node)
  }
  return users
}

function inputsOf(update: Update): Tensor[] {
  if (update.kind === 'assign') return [update.value]
  return [update.gradient, ...Object.values(update.scalars)]
}

/** Every variable that the update's ops write, or may. */
function touchedBy(update: Update, scope: UpdateScope): string[] {
  if (update.kind === 'assign') return [update.variable]
  const slots = fusedOf(update).names.filter((name) => name.startsWith('.'))
  return [update.variable, ...slots.map((name) => slotOf(update, name, scope))]
}

function fusedOf(u: RuleUpdate): { op: string; names: readonly string[] } {
  const op = UPDATE_RULES[u.rule].fused?.(u.constants)
  if (op === undefined) throw new TypeError(`${u.rule} has no op: expand it first`)
  return { op, names: FUSED[op]!.split(' ') }
}

/** The variable behind `.name`: the rule's slot, or a scratch one where TensorFlow's op keeps more than the rule does. */
function slotOf(u: RuleUpdate, name: string, scope: UpdateScope): string {
  return u.slots[name.slice(1)] ?? scope.scratch(u.variable)
}

import type { Tensor } from '../../../program/program.ts'
import type { Call, Handler, Handlers } from '../call.ts'
import { DEAD, host, Malformed, traced, Unsupported, type Value } from '../values.ts'

/** Ops that are asked even where something they take cannot be imported: seeds are whole numbers in loops of bits. */
export const TOLERANT = new Set([
  'AssignVariableOp',
  'AssignAddVariableOp',
  'AssignSubVariableOp',
  'Assign',
  'AssignAdd',
  'AssignSub',
  'StatelessRandomUniform',
  'StatelessRandomUniformV2',
  'StatelessRandomGetKeyCounter',
  'Assert',
])

/** What passes values on, reads and changes variables, and draws at random. */
export const FLOW: Handlers = {
  Identity: same,
  Snapshot: same,
  PreventGradient: same,
  CheckNumerics: same,
  EnsureShape: same,
  ReadVariableOp: same,
  DisableCopyOnRead: same,
  IdentityN: (call) => call.inputs,
  StopGradient: stopGradient,
  PlaceholderWithDefault: same,
  Placeholder: () => {
    throw new Unsupported('that nothing is fed to')
  },
  NoOp: () => [],
  Assert: () => [],
  VarIsInitializedOp: () => host('bool', [], [1]),
  /** The side that is not taken is dead. */
  Switch: switched,
  RefSwitch: switched,
  Merge: merged,
  RefMerge: merged,

  AssignVariableOp: assign((_, value) => value),
  AssignAddVariableOp: assign((b, value, old) => b.add(old, value)),
  AssignSubVariableOp: assign((b, value, old) => b.subtract(old, value)),
  Assign: assign((_, value) => value),
  AssignAdd: assign((b, value, old) => b.add(old, value)),
  AssignSub: assign((b, value, old) => b.subtract(old, value)),

  RandomUniform: uniform,
  StatelessRandomUniform: uniform,
  StatelessRandomUniformV2: uniform,
  StatelessRandomGetKeyCounter: () => [host('other', [0], []), host('other', [0], [])],
  StatelessRandomGetAlg: () => host('int', [], [1]),
}

function same(call: Call): Value {
  return call.input(0)
}

/**
 * Variance is taken of x - stop(mean of x): there the mean's gradient is zero anyway, as the differences sum to zero.
 * Anywhere else what a training step does would be another thing.
 */
function stopGradient(call: Call): Value {
  const x = call.input(0)
  const harmless =
    x.kind !== 'traced' || ['reduceMean', 'constant', 'input'].includes(x.tensor.node.op)
  if (call.around.uniform && !harmless) throw new Unsupported('of what is trained')
  return x
}

function switched(call: Call): Value[] {
  const taken = call.hostOrNot(1)
  if (!taken) throw new Unsupported('by a condition known only while it runs')
  const x = call.input(0)
  return taken.data[0] === 0 ? [x, DEAD] : [DEAD, x]
}

function merged(call: Call): Value[] {
  const alive = call.inputs.findIndex((value) => value.kind !== 'dead')
  if (alive < 0) return [DEAD, DEAD]
  return [call.inputs[alive]!, host('int', [], [alive])]
}

function assign(change: (b: Call['b'], value: Tensor, old: Tensor) => Tensor): Handler {
  return (call) => {
    const variable = call.input(0)
    if (variable.kind !== 'weight') throw new Malformed('a change of what is no variable')
    const { changed, weight, b, integers, lost } = call.around
    if (integers.has(variable.name)) return variable
    if (call.input(1).kind === 'unknown') lost()
    if (call.input(1).kind === 'unknown') return variable
    const old = changed.get(variable.name) ?? weight(variable.name)
    const value = change(b, call.tensor(1), old)
    if (value.shape.join() !== old.shape.join()) {
      throw new Malformed(
        `[${value.shape.join(', ')}] for ${variable.name} of [${old.shape.join(', ')}]`,
      )
    }
    changed.set(variable.name, value)
    return variable
  }
}

function uniform(call: Call): Value {
  const draw = call.around.uniform
  if (!draw) throw new Unsupported('outside a training step')
  return traced('float', draw(call.node.name, call.ints(0)))
}

import type { Builder } from './builder.ts'
import type { OpAttributes, OpName } from './ops.ts'
import type { Node, Tensor, TensorType } from './program.ts'

/** What there is to know about one op. */
export interface OpDefinition<Name extends OpName> {
  /** The output types; throws a Misfit on inputs the op does not take (a bug of the caller, not of a person). */
  readonly infer: (
    inputs: readonly TensorType[],
    attributes: OpAttributes[Name],
  ) => readonly TensorType[]
  /**
   * The gradients of the inputs, in terms of ops, given the gradients of the outputs (undefined: zero). `wanted`
   * says which inputs lead to a target: only for these is anything built. Absent: not differentiable.
   */
  readonly gradient?: (
    b: Builder,
    node: Node<Name>,
    outputs: readonly (Tensor | undefined)[],
    wanted: readonly boolean[],
  ) => readonly (Tensor | undefined)[]
}

/** The literals of a family of ops. */
export type OpDefinitions<Names extends OpName> = {
  readonly [Name in Names]: OpDefinition<Name>
}

/**
 * The gradient rule of an op with one output: called only with a gradient that is there, and each input's
 * function only where that input's gradient is wanted. `undefined` in place of a function: no gradient flows.
 */
export function perInput<Name extends OpName>(
  rule: (
    b: Builder,
    dy: Tensor,
    node: { inputs: readonly Tensor[]; output: Tensor; attributes: OpAttributes[Name] },
  ) => readonly ((() => Tensor) | undefined)[],
): NonNullable<OpDefinition<Name>['gradient']> {
  return (b, node, [dy], wanted) => {
    if (!dy) return []
    const { inputs, outputs, attributes } = node
    const rules = rule(b, dy, { inputs, output: outputs[0]!, attributes })
    return rules.map((build, i) => (wanted[i] ? build?.() : undefined))
  }
}

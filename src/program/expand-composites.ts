import type { Builder } from './builder.ts'
import { ACTIVATIONS } from './expand-activations.ts'
import { GRADIENTS_OF_CONVOLUTIONS } from './expand-convolutions.ts'
import { NORMALIZATIONS } from './expand-normalization.ts'
import { GRADIENTS_OF_POOLS } from './expand-pools.ts'
import type { OpAttributes, OpName } from './ops.ts'
import type { Node, Program, Tensor } from './program.ts'
import { rewrite } from './rewrite.ts'

/** What stands for an op in terms of simpler ones; the outputs in the op's order. */
export type Expansion<Name extends OpName> = (
  b: Builder,
  inputs: readonly Tensor[],
  attributes: OpAttributes[Name],
) => readonly Tensor[]

/** Ops that mean nothing which the others could not say: an engine may leave them to the others. */
const EXPANSIONS = {
  ...ACTIVATIONS,
  ...GRADIENTS_OF_CONVOLUTIONS,
  ...GRADIENTS_OF_POOLS,
  ...NORMALIZATIONS,
}

export type CompositeName = keyof typeof EXPANSIONS

/**
 * The program with its composite ops said in simpler ones; `keep` says which nodes an engine has a kernel for.
 * Without any to expand: the program itself.
 */
export function expandComposites(
  program: Program,
  keep: (node: Node<CompositeName>) => boolean = () => false,
): Program {
  const expands = (node: Node): boolean =>
    node.op in EXPANSIONS && !keep(node as Node<CompositeName>)
  if (!program.nodes.some(expands)) return program
  return rewrite(program, {
    node: (b, node, inputs) => {
      if (!expands(node)) return undefined
      const expansion = EXPANSIONS[node.op as CompositeName] as Expansion<OpName>
      return expansion(b, inputs, node.attributes)
    },
  })
}

import type { CompositeName } from '../../program/expand-composites.ts'
import type { OpName } from '../../program/ops.ts'
import type { Node } from '../../program/program.ts'
import { ARRANGE } from './arrange.ts'
import { ELEMENTWISE } from './elementwise.ts'
import type { Emit, Emitters } from './emit.ts'
import { HEADS } from './heads.ts'
import { REDUCE } from './reduce.ts'
import { WINDOWS } from './windows.ts'

/** Filled by the session. */
export type SourceName = 'input' | 'constant' | 'variable'
/** Always kernels of our own, see `clusters.ts`. */
type ClusteredName = 'reluGradient' | 'relu6Gradient' | 'tanh'
/** tfjs shares an average among padding cells too, and takes the last of several maxima. */
type ExpandedName = Exclude<CompositeName, keyof typeof WINDOWS>

const EMITTERS: Emitters<Exclude<OpName, SourceName | ExpandedName | ClusteredName>> = {
  ...ELEMENTWISE,
  ...WINDOWS,
  ...ARRANGE,
  ...REDUCE,
  ...HEADS,
}

/** Whether a kernel does this composite op; dilated gradients are none of tfjs'. */
export function hasKernel(node: Node<CompositeName>): boolean {
  if (!(node.op in WINDOWS)) return false
  const { dilations } = node.attributes as { dilations?: readonly number[] }
  return dilations === undefined || dilations.every((d) => d === 1)
}

export function emitterOf(op: Exclude<OpName, SourceName>): Emit<OpName> {
  return EMITTERS[op as keyof typeof EMITTERS] as Emit<OpName>
}

import type { CompositeName } from '../../program/expand-composites.ts'
import type { OpAttributes, OpName } from '../../program/ops.ts'
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
type ClusteredName = 'reluGradient' | 'relu6Gradient' | 'tanh' | 'erf'
/** tfjs shares an average among padding cells too, and takes the last of several maxima. */
type ExpandedName = Exclude<CompositeName, keyof typeof WINDOWS>

const EMITTERS: Emitters<Exclude<OpName, SourceName | ExpandedName | ClusteredName>> = {
  ...ELEMENTWISE,
  ...WINDOWS,
  ...ARRANGE,
  ...REDUCE,
  ...HEADS,
}

/**
 * Whether tfjs' kernel does this composite op: dilated gradients are none of its, and of a 1 x 1 convolution a matrix product
 * does far better.
 */
export function hasKernel({ op, inputs, attributes }: Node<CompositeName>): boolean {
  if (!(op in WINDOWS)) return false
  const { dilations, kernelShape } = attributes as Partial<OpAttributes['conv2dKernelGradient']>
  if (dilations?.some((d) => d !== 1)) return false
  if (!op.startsWith('conv2d')) return true
  const [height, width] = kernelShape ?? inputs[1]!.shape
  return height !== 1 || width !== 1
}

export function emitterOf(op: Exclude<OpName, SourceName>): Emit<OpName> {
  return EMITTERS[op as keyof typeof EMITTERS] as Emit<OpName>
}

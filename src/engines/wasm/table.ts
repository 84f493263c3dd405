import type { CompositeName } from '../../program/expand-composites.ts'
import type { OpName } from '../../program/ops.ts'
import type { Node } from '../../program/program.ts'
import { ARRANGE } from './arrange.ts'
import { convolution } from './convolution.ts'
import { depthwise } from './depthwise.ts'
import { ELEMENTWISE } from './elementwise.ts'
import type { Emit, Emitters } from './emit.ts'
import { GRADIENTS } from './gradients.ts'
import { HEADS } from './heads.ts'
import { matMul } from './mat-mul.ts'
import { POOLING } from './pooling.ts'
import { REDUCE } from './reduce.ts'

/** Ops that have no step of their own: sources are filled by the session, a reshape is its input seen otherwise. */
export type PlaceName = 'input' | 'constant' | 'variable' | 'reshape'

/** Composites that are not here are expanded before a plan is made. */
const EMITTERS: Emitters<Exclude<OpName, PlaceName | CompositeName>> &
  Partial<Emitters<CompositeName>> = {
  ...ELEMENTWISE,
  conv2d: (e) => convolution(e, '_FusedConv2D'),
  depthwiseConv2d: depthwise,
  matMul,
  ...POOLING,
  ...ARRANGE,
  ...REDUCE,
  ...HEADS,
  ...GRADIENTS,
}

export function hasKernel({ op }: Node<CompositeName>): boolean {
  return op in EMITTERS
}

export function emitterOf(op: Exclude<OpName, PlaceName>): Emit<OpName> {
  const emit = EMITTERS[op as keyof typeof EMITTERS] as Emit<OpName> | undefined
  if (!emit) throw new TypeError(`${op} is expanded first`)
  return emit
}

import type { OpName } from '../../program/ops.ts'
import { ARRANGE } from './arrange.ts'
import { CONVOLUTION } from './convolution.ts'
import { ELEMENTWISE } from './elementwise.ts'
import type { Emit, Emitters } from './emit.ts'
import { HEADS } from './heads.ts'
import { POOLING } from './pooling.ts'
import { REDUCE } from './reduce.ts'

/** Ops that have no step of their own: sources are filled by the session, a reshape is its input seen otherwise. */
export type PlaceName = 'input' | 'constant' | 'variable' | 'reshape'

const EMITTERS: Emitters<Exclude<OpName, PlaceName>> = {
  ...ELEMENTWISE,
  ...CONVOLUTION,
  ...POOLING,
  ...ARRANGE,
  ...REDUCE,
  ...HEADS,
}

export function emitterOf(op: Exclude<OpName, PlaceName>): Emit<OpName> {
  return EMITTERS[op] as Emit<OpName>
}

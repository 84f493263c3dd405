import type { OpDefinitions } from './op.ts'
import type { OpName } from './ops.ts'
import { ARITHMETIC } from './ops/arithmetic.ts'
import { ARRANGE } from './ops/arrange.ts'
import { CONVOLUTION } from './ops/convolution.ts'
import { ELEMENTWISE } from './ops/elementwise.ts'
import { HEADS } from './ops/heads.ts'
import { LINEAR } from './ops/linear.ts'
import { NORMALIZATION } from './ops/normalization.ts'
import { POOL } from './ops/pool.ts'
import { REDUCE } from './ops/reduce.ts'
import { SOURCES } from './ops/sources.ts'

export type { OpDefinition } from './op.ts'
export { broadcastShape, padBefore, windows } from './shapes.ts'

/**
 * All there is to know about each op: one literal an op, in a file a family. An op is added by its attributes in
 * `ops.ts`, its literal here, a line in `evaluate.ts`, a line in each engine and a case in the contract's goldens.
 */
export const OPS: OpDefinitions<OpName> = {
  ...SOURCES,
  ...ELEMENTWISE,
  ...ARITHMETIC,
  ...LINEAR,
  ...CONVOLUTION,
  ...POOL,
  ...NORMALIZATION,
  ...ARRANGE,
  ...REDUCE,
  ...HEADS,
}

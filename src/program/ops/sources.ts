import type { OpDefinitions } from '../op.ts'
import { type } from '../shapes.ts'

export const SOURCES: OpDefinitions<'input' | 'constant' | 'variable'> = {
  input: { infer: (_, a) => [{ shape: a.shape, dtype: a.dtype }] },
  constant: { infer: (_, a) => [{ shape: a.shape, dtype: a.dtype }] },
  variable: { infer: (_, a) => [type(a.shape)] },
}

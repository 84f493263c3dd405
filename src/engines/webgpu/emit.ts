import type { OpAttributes, OpName } from '../../program/ops.ts'
import type { Shape, TensorType } from '../../program/program.ts'
import type { Chain } from '../fuse.ts'
import type { Kernels } from './kernels.ts'
import type { MapCode } from './map.ts'
import type { Handle, Inputs } from './tfjs.ts'

/** What an op's emitter has at hand at each run. */
export interface Emission<Name extends OpName = OpName> {
  readonly inputs: readonly Handle[]
  readonly attributes: OpAttributes[Name]
  readonly output: TensorType
  /** What follows a convolution or a matMul and is computed by the same kernel. */
  readonly fused: Partial<Chain> & { readonly bias?: Handle | undefined }
  /** One of tfjs' kernels; all that is not returned in the end is freed. */
  run(name: string, inputs: Inputs, attrs?: Readonly<Record<string, unknown>>): Handle
  /** One of our own; the output has the shape of the first input. */
  map(code: MapCode, inputs: readonly Handle[]): Handle
  /** Sums along the middle of [outer, count, inner], divided; gives [outer, 1, inner]. */
  sum(x: Handle, shape: readonly [number, number, number], divisor?: number): Handle
  view(handle: Handle, shape?: Shape): Handle
  withMatMul: Kernels['withMatMul']
  scalar(value: number): Handle
}

/** Records the kernels of one op; returns what `run` or `view` gave. */
export type Emit<Name extends OpName> = (e: Emission<Name>) => Handle
export type Emitters<Names extends OpName> = { readonly [Name in Names]: Emit<Name> }

/** Calls an emitter and frees what it made on the way. */
export function emit<Name extends OpName>(
  kernels: Kernels,
  emitter: Emit<Name>,
  given: Pick<Emission<Name>, 'inputs' | 'attributes' | 'output' | 'fused'>,
): Handle {
  const made: Handle[] = []
  const keep = (handle: Handle): Handle => {
    made.push(handle)
    return handle
  }
  const result = emitter({
    ...given,
    run: (name, inputs, attrs) => keep(kernels.run(name, inputs, attrs)),
    map: (code, inputs) => keep(kernels.map(code, inputs)),
    sum: (x, shape, divisor = 1) => keep(kernels.sum(x, shape, divisor)),
    withMatMul: (program, record) => kernels.withMatMul(program, record),
    view: (handle, shape) => keep(kernels.view(handle, shape)),
    scalar: (value) => kernels.scalar(value),
  })
  for (const handle of made) if (handle !== result) kernels.free(handle)
  return result
}

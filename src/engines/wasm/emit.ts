import type { OpAttributes, OpName } from '../../program/ops.ts'
import type { DType, Shape } from '../../program/program.ts'
import type { Chain } from '../fuse.ts'
import type { Kernels, Operand } from './kernels.ts'

/** One action of a run; everything that can be known before it is already bound. */
export type Step = () => void

/** What an op's emitter has at hand when the plan is made. */
export interface Emission<Name extends OpName = OpName> {
  readonly kernels: Kernels
  readonly inputs: readonly Operand[]
  readonly output: Operand
  readonly attributes: OpAttributes[Name]
  /** What follows a convolution or a matMul and is computed by the same kernel. */
  readonly fused: Fused
  /** No input can hold NaN: they come from integers, finite constants and harmless ops. */
  readonly finite: boolean
  /** Room that is free again after this op. */
  temporary(shape: Shape, dtype?: DType): Operand
  /** Address of a copy of these integers that stays. */
  integers(values: readonly number[]): number
}

export interface Fused extends Partial<Chain> {
  readonly bias?: Operand | undefined
}

export type Emit<Name extends OpName> = (e: Emission<Name>) => Step
export type Emitters<Names extends OpName> = { readonly [Name in Names]: Emit<Name> }

/** Codes of the fused activations in the C functions. */
export function activationCode({ activation }: Fused): number {
  return activation === 'relu' ? 1 : activation === 'relu6' ? 2 : 0
}

/** Position of the operand's first element in a view of its own dtype. */
export function start(operand: Operand): number {
  return operand.dtype === 'uint8' ? operand.address : operand.address >>> 2
}

/** The memory as the operand's dtype. */
export function view(kernels: Kernels, dtype: DType): Float32Array | Int32Array | Uint8Array {
  if (dtype === 'float32') return kernels.f32()
  return dtype === 'int32' ? kernels.i32() : kernels.u8()
}

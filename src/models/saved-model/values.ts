import type { Shape, Tensor } from '../../program/program.ts'
import type { ValueType } from './stored.ts'

/** What a tensor of the imported graph is while it is being made part of a Program. */
export type Value =
  /** Known numbers: shapes, axes, small constants. */
  | Host
  /** A tensor of the Program, float32 whatever the graph's type: whole numbers and truth values are kept as such. */
  | { readonly kind: 'traced'; readonly type: ValueType; readonly tensor: Tensor }
  /** A variable itself; reads as its value. */
  | { readonly kind: 'weight'; readonly name: string }
  /** Behind the side of a TF1 condition that is not taken. */
  | { readonly kind: 'dead' }
  /** Behind an op that cannot be imported; nothing more is said of what takes it. */
  | { readonly kind: 'unknown' }

export interface Host {
  readonly kind: 'host'
  readonly type: ValueType
  readonly shape: Shape
  readonly data: ArrayLike<number>
}

export const DEAD: Value = { kind: 'dead' }
export const UNKNOWN: Value = { kind: 'unknown' }

export function host(type: ValueType, shape: Shape, data: ArrayLike<number>): Host {
  return { kind: 'host', type, shape, data }
}

export function traced(type: ValueType, tensor: Tensor): Value {
  return { kind: 'traced', type, tensor }
}

/** An op, or what it is asked to do, that no Program can say; `message` continues "OP ". */
export class Unsupported extends Error {}

/** A graph that contradicts itself. */
export class Malformed extends Error {}

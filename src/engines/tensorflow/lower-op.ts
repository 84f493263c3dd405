import type { ConvAttributes, OpName, PoolAttributes } from '../../program/ops.ts'
import type { Node } from '../../program/program.ts'
import type { AttrValue } from './graph-def.ts'
import type { NodeWriter } from './node-writer.ts'

/** Writes the TensorFlow nodes of one node and returns the name of its output; `inputs` are the names of its inputs. */
export type LowerOp<Name extends OpName> = (
  w: NodeWriter,
  inputs: readonly string[],
  node: Node<Name>,
) => string

export const FLOAT = { T: { type: 'float32' } } as const
export const INDEX = { type: 'int32' } as const

export function convolution(a: ConvAttributes): Record<string, AttrValue> {
  return {
    ...FLOAT,
    strides: { ints: [1, ...a.strides, 1] },
    dilations: { ints: [1, ...a.dilations, 1] },
    padding: { s: a.padding.toUpperCase() },
  }
}

export function pool(a: PoolAttributes): Record<string, AttrValue> {
  return {
    ...FLOAT,
    ksize: { ints: [1, ...a.size, 1] },
    strides: { ints: [1, ...a.strides, 1] },
    padding: { s: a.padding.toUpperCase() },
  }
}

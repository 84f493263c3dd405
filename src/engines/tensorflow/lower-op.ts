import type { ConvAttributes, OpName, PoolAttributes } from '../../program/ops.ts'
import type { Node, Shape } from '../../program/program.ts'
import type { AttrValue } from './graph-def.ts'
import type { NodeWriter } from './node-writer.ts'

/**
 * Writes the TensorFlow nodes of one node and returns the names of its outputs (of one: its name); `inputs` are the
 * names of its inputs. The name of a node is its first output; the next ones are `name:1`, `name:2` ...
 */
export type LowerOp<Name extends OpName> = (
  w: NodeWriter,
  inputs: readonly string[],
  node: Node<Name>,
) => string | readonly string[]

export const FLOAT = { T: { type: 'float32' } } as const
export const INDEX = { type: 'int32' } as const

export function reshape(w: NodeWriter, x: string, shape: Shape): string {
  return w.add('Reshape', [x, w.integers(shape)], { ...FLOAT, Tshape: INDEX })
}

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

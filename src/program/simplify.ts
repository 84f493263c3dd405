import type { Builder } from './builder.ts'
import { AffineFolding } from './fold-affine.ts'
import { broadcastShape } from './op-table.ts'
import type { OpAttributes, OpName } from './ops.ts'
import { sizeOf, type Node, type Program, type Tensor, type TensorData } from './program.ts'
import { computeNode } from './reference.ts'
import { rewrite } from './rewrite.ts'
import { writeNumber } from './serialize.ts'

/** Constants of up to so many numbers are computed here, and equal ones merged up to the smaller bound. */
const FOLDED = 4096
const COMPARED = 64

/**
 * The same program with less to do: steps that change nothing are dropped, small constants computed, equal
 * nodes (the corrections of Adam's rate, once a variable) merged, and factors and offsets behind a convolution by
 * constants become part of it; what is then unused falls away. Results stay the same but for the last bits of folded
 * constants.
 */
export function simplify(program: Program): Program {
  const seen = new Map<string, readonly Tensor[]>()
  const affine = new AffineFolding(program)
  return rewrite(program, {
    node: (b, node, inputs) => {
      const shorter = shorten(b, node, inputs) ?? affine.shorter(b, node, inputs)
      const simple = shorter ? [shorter] : fold(b, node, inputs)
      const result = simple ?? merged(b, node, inputs, seen)
      result?.forEach((t, i) => affine.stands(t, node.outputs[i]!))
      return result
    },
  })
}

/** The node, or one with the same value that is there already; undefined for those that are never compared. */
function merged(
  b: Builder,
  node: Node,
  inputs: readonly Tensor[],
  seen: Map<string, readonly Tensor[]>,
): readonly Tensor[] | undefined {
  const key = keyOf(node, inputs)
  if (key === undefined) return undefined
  const known = seen.get(key)
  if (known) return known
  const fresh = b.node(node.op, inputs, node.attributes as never)
  seen.set(key, fresh)
  return fresh
}

type Rule<Name extends OpName> = (
  b: Builder,
  inputs: readonly Tensor[],
  attributes: OpAttributes[Name],
  output: Tensor,
) => Tensor | undefined

/** A shorter way to the same value, by op; undefined where there is none. */
const SHORTER: { readonly [Name in OpName]?: Rule<Name> } = {
  // The builder returns the input itself where a shape or dtype is the same already.
  reshape: (b, [x], { shape }) => {
    const from = x!.node.op === 'reshape' ? x!.node.inputs[0]! : x!
    return from !== x || sameShape(from.shape, shape) ? b.reshape(from, shape) : undefined
  },
  cast: (_, [x], { dtype }) => (x!.dtype === dtype ? x : undefined),
  pad: (b, [x], { padding, value }) =>
    padding.every(([before, after]) => before + after === 0)
      ? b.pad(x!, padding, value)
      : undefined,
  slice: (_, [x], { size }) => (sameShape(x!.shape, size) ? x : undefined),
  concat: (_, inputs) => (inputs.length === 1 ? inputs[0] : undefined),
  broadcastTo: (_, [x], { shape }) => (sameShape(x!.shape, shape) ? x : undefined),
  transpose: (b, [x], { permutation }) => {
    const from = x!.node
    if (from.op === 'transpose') {
      const first = (from.attributes as OpAttributes['transpose']).permutation
      const both = permutation.map((axis) => first[axis]!)
      return both.every((axis, i) => axis === i)
        ? from.inputs[0]
        : b.transpose(from.inputs[0]!, both)
    }
    return permutation.every((axis, i) => axis === i) ? x : undefined
  },
  negative: (_, [x]) => (x!.node.op === 'negative' ? x!.node.inputs[0] : undefined),
  add: (b, inputs, _, { shape }) =>
    neutral(inputs, 0, shape) ?? narrowed(inputs, shape, (x, y) => b.add(x, y)),
  subtract: (b, inputs, _, { shape }) => narrowed(inputs, shape, (x, y) => b.subtract(x, y)),
  multiply: (b, inputs, _, { shape }) =>
    neutral(inputs, 1, shape) ?? narrowed(inputs, shape, (x, y) => b.multiply(x, y)),
  divide: (b, inputs, _, { shape }) => narrowed(inputs, shape, (x, y) => b.divide(x, y)),
}

function shorten(b: Builder, node: Node, inputs: readonly Tensor[]): Tensor | undefined {
  const rule = SHORTER[node.op] as Rule<OpName> | undefined
  return rule?.(b, inputs, node.attributes, node.outputs[0]!)
}

/** x + 0, x * 1, in either order, where it has the shape of the whole. */
function neutral(inputs: readonly Tensor[], value: number, shape: readonly number[]) {
  const [x, y] = inputs as [Tensor, Tensor]
  const is = (t: Tensor): boolean => smallData(t)?.every((v) => v === value) ?? false
  if (is(y) && sameShape(x.shape, shape)) return x
  return is(x) && sameShape(y.shape, shape) ? y : undefined
}

/** The op on what was broadcast before it, where the op itself broadcasts to the same shape. */
function narrowed(
  inputs: readonly Tensor[],
  shape: readonly number[],
  build: (x: Tensor, y: Tensor) => Tensor,
): Tensor | undefined {
  const source = (t: Tensor): Tensor => (t.node.op === 'broadcastTo' ? t.node.inputs[0]! : t)
  const [x, y] = inputs as [Tensor, Tensor]
  for (const [first, second] of [
    [source(x), source(y)],
    [source(x), y],
    [x, source(y)],
  ] as const) {
    if (first === x && second === y) continue
    if (sameShape(broadcastShape(first.shape, second.shape), shape)) return build(first, second)
  }
  return undefined
}

/** A node of constants alone as constants. */
function fold(b: Builder, node: Node, inputs: readonly Tensor[]): Tensor[] | undefined {
  const { outputs } = node
  if (inputs.length === 0 || inputs.some((t) => t.node.op !== 'constant')) return undefined
  const given = inputs.map((t) => (t.node.attributes as OpAttributes['constant']).data)
  if (node.op === 'reshape') return [b.constant(given[0]!, outputs[0]!.shape)]
  if ([...inputs, ...outputs].some((t) => sizeOf(t.shape) > FOLDED)) return undefined
  const values = inputs.map((t, i) => ({ shape: t.shape, data: Float64Array.from(given[i]!) }))
  const arrays = { float32: Float32Array, int32: Int32Array, uint8: Uint8Array }
  return computeNode(node, values).map((result, i) => {
    const { shape, dtype } = outputs[i]!
    return b.constant(arrays[dtype].from(result), shape)
  })
}

/** Nodes with the same key have the same value; inputs, variables and large constants are never compared. */
function keyOf(node: Node, inputs: readonly Tensor[]): string | undefined {
  const sources = inputs.map((t) => `${t.node.id}:${t.index}`).join()
  if (node.op === 'input' || node.op === 'variable') return undefined
  if (node.op !== 'constant')
    return `${node.op} ${sources} ${JSON.stringify(node.attributes, writeNumber)}`
  const data = smallData(node.outputs[0]!)
  const { shape, dtype } = node.outputs[0]!
  // Joined as text -0 would be 0, and their reciprocals are not.
  return (
    data && `constant ${dtype} [${shape}] ${Array.from(data, (v) => (Object.is(v, -0) ? '-0' : v))}`
  )
}

function smallData(t: Tensor): TensorData | undefined {
  if (t.node.op !== 'constant' || sizeOf(t.shape) > COMPARED) return undefined
  return (t.node.attributes as OpAttributes['constant']).data
}

function sameShape(a: readonly number[], b: readonly number[]): boolean {
  return a.length === b.length && a.every((n, i) => n === b[i])
}

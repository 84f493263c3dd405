import type { Builder } from '../program/builder.ts'
import type { OpAttributes, OpName } from '../program/ops.ts'
import type { Tensor } from '../program/program.ts'

/** `x * scale + offset` along the last axis; a list of one number stands for all channels. */
export interface Affine {
  readonly scale: readonly number[]
  readonly offset: readonly number[]
}

/**
 * `x * scale + offset`. Where `x` is such a thing itself (preprocessing, Rescaling, Normalization, one behind the other) one
 * product and one sum do the work of all: pictures are passed over once.
 */
export function channelAffine(b: Builder, x: Tensor, outer: Affine): Tensor {
  const [source, inner] = peeled(x)
  const channels = Math.max(...[inner, outer].flatMap((a) => [a.scale.length, a.offset.length]))
  const at = (list: readonly number[], c: number) => list[c] ?? list[0]!
  const each = Array.from({ length: channels }, (_, c) => c)
  const scale = each.map((c) => at(inner.scale, c) * at(outer.scale, c))
  const offset = each.map((c) => at(inner.offset, c) * at(outer.scale, c) + at(outer.offset, c))
  const scaled = scale.every((s) => s === 1) ? source : b.multiply(source, compact(b, scale))
  return offset.every((o) => o === 0) ? scaled : b.add(scaled, compact(b, offset))
}

/** What a sum and a product with constants by channel are of. */
function peeled(x: Tensor): [Tensor, Affine] {
  const [before, offset] = withConstant(x, 'add', 0)
  const [source, scale] = withConstant(before, 'multiply', 1)
  return [source, { scale, offset }]
}

function withConstant(x: Tensor, op: OpName, neutral: number): [Tensor, readonly number[]] {
  const [source, constant] = x.node.inputs
  if (x.node.op !== op || constant?.node.op !== 'constant') return [x, [neutral]]
  if (constant.shape.length > 1 || source!.shape.length !== x.shape.length) return [x, [neutral]]
  return [source!, Array.from((constant.node.attributes as OpAttributes['constant']).data)]
}

/** One number where all channels have the same. */
function compact(b: Builder, values: readonly number[]): Tensor {
  const same = values.every((value) => value === values[0])
  return same ? b.scalar(values[0]!) : b.constant(Float32Array.from(values), [values.length])
}

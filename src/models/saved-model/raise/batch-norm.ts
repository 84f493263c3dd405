import { reach } from '../../../program/builder.ts'
import { sizeOf, type Tensor } from '../../../program/program.ts'
import type { Affine } from './affine.ts'
import { layerNameOf, type ByChannel, type Known } from './known.ts'
import { layer, type RaisedLayer } from './raised.ts'

/** Differences of float32 in what factors and offsets are computed of. */
const TOLERANCE = 1e-5

/**
 * The batch normalization in inference that the factors and offsets are: of a variance, which stands with an epsilon under a
 * root, of a mean, and of a gamma and a beta where it has them. They are told by their numbers, as every version of
 * TensorFlow writes the formula another way.
 */
export function normalizationOf(
  given: Affine,
  channels: number,
  known: Known,
): RaisedLayer | undefined {
  const root = varianceOf(given.operands, channels, known)
  if (!root) return undefined
  const { variance, epsilon } = root
  const leaves = known.leaves(given.operands)
  const rest = leaves.filter((t) => t !== variance && sizeOf(t.shape) === channels)
  if (rest.length < leaves.length - 1 || rest.length > 3) return undefined
  for (const [mean, gamma, beta] of rolesOf(rest)) {
    const found = { mean, gamma, beta, variance, epsilon }
    if (!isThat(found, given, known)) continue
    const weights = {
      ...(gamma ? { gamma: known.floats(gamma) } : {}),
      ...(beta ? { beta: known.floats(beta) } : {}),
      moving_mean: known.floats(mean),
      moving_variance: known.floats(variance),
    }
    const settings = { epsilon, scale: gamma !== undefined, center: beta !== undefined }
    return layer('BatchNormalization', settings, { name: layerNameOf(leaves), weights })
  }
  return undefined
}

type Roles = readonly [mean: Tensor, gamma: Tensor | undefined, beta: Tensor | undefined]

/** Every way in which the tensors are a mean and, perhaps, a gamma and a beta. */
function rolesOf(rest: readonly Tensor[]): readonly Roles[] {
  const [a, b, c] = rest
  if (!a) return []
  if (!b) return [[a, undefined, undefined]]
  const pairs: readonly Roles[] = [
    [b, a, undefined],
    [a, b, undefined],
    [b, undefined, a],
    [a, undefined, b],
  ]
  if (!c) return pairs
  // as `FusedBatchNorm` lists them first: gamma, beta, mean
  return [
    [c, a, b],
    [b, a, c],
    [c, b, a],
    [a, b, c],
    [b, c, a],
    [a, c, b],
  ]
}

interface Found {
  readonly variance: Tensor
  readonly epsilon: number
}

/** What stands with a number under a root. */
function varianceOf(
  operands: readonly Tensor[],
  channels: number,
  known: Known,
): Found | undefined {
  for (const node of reach(operands)) {
    if (node.op !== 'rsqrt' && node.op !== 'sqrt') continue
    const sum = node.inputs[0]!
    const [a, b] = sum.node.inputs
    if (sum.node.op !== 'add' || !a || !b) continue
    const [values, number] = sizeOf(b.shape) === 1 && b.node.op === 'constant' ? [a, b] : [b, a]
    const variance = unshaped(values)
    if (number.node.op !== 'constant' || sizeOf(number.shape) !== 1) continue
    const isLeaf = variance.node.op === 'variable' || variance.node.op === 'constant'
    if (!isLeaf || sizeOf(variance.shape) !== channels) continue
    return { variance, epsilon: known.value(number).data[0]! }
  }
  return undefined
}

function unshaped(t: Tensor): Tensor {
  let inner = t
  while (inner.node.op === 'reshape') inner = inner.node.inputs[0]!
  return inner
}

function isThat(
  {
    mean,
    gamma,
    beta,
    variance,
    epsilon,
  }: Found & {
    readonly mean: Tensor
    readonly gamma: Tensor | undefined
    readonly beta: Tensor | undefined
  },
  { scale, shift }: Affine,
  known: Known,
): boolean {
  const values = (t: Tensor | undefined) => t && known.value(t).data
  const [m, g, o, v] = [values(mean)!, values(gamma), values(beta), values(variance)!]
  return v.every((each, c) => {
    const factor = (g?.[c] ?? 1) / Math.sqrt(each + epsilon)
    const moved = m[c]! * factor
    const near = (is: ByChannel, want: number, size: number) =>
      Math.abs((is[c] ?? is[0]!) - want) <= TOLERANCE * size
    return (
      near(scale, factor, Math.abs(factor)) &&
      near(shift, (o?.[c] ?? 0) - moved, Math.abs(o?.[c] ?? 0) + Math.abs(moved))
    )
  })
}

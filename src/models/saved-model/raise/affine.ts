import type { Tensor } from '../../../program/program.ts'
import { normalizationOf } from './batch-norm.ts'
import { layerNameOf, sameShape, weightName, type ByChannel, type Known } from './known.ts'
import { linear } from './linear.ts'
import { layer, type Raised, type RaisedLayer, type Reading, type Rule } from './raised.ts'

/** `x * scale + shift`, by channel. */
export interface Affine {
  readonly x: Tensor
  readonly scale: ByChannel
  readonly shift: ByChannel
  /** The known tensors that it is made of. */
  readonly operands: readonly Tensor[]
}

/**
 * Factors and offsets by channel, one behind the other: a batch normalization in inference where they are computed of the
 * weights of one, else one Rescaling, or a BatchNormalization of mean 0 and variance 1 whose gamma and beta they are.
 */
export const affine: Rule = (t, reading) => normalized(t, reading) ?? scaled(t, reading)

/** `x * S + T`, `(x - mean) * S + beta`, and what else is a step or two of it. */
const STEPS = 4

function normalized(t: Tensor, reading: Reading): Raised | undefined {
  let whole = stepOf(t, reading.known)
  for (let steps = 1; whole && steps <= STEPS; steps += 1) {
    const found = normalizationOf(whole, t.shape.at(-1)!, reading.known)
    if (found) return { sources: [whole.x], layers: [found] }
    whole = longer(whole, reading)
  }
  return undefined
}

/** What is a layer of its own, a bias or a normalization, stays one. */
function scaled(t: Tensor, reading: Reading): Raised | undefined {
  const { known } = reading
  let whole = stepOf(t, known)
  for (let next = whole; next; next = longer(next, reading)) {
    whole = next
    const isOwn = typeof linear(next.x, reading) === 'object' || normalized(next.x, reading)
    if (isOwn) break
  }
  if (!whole) return undefined
  const layers = isNothing(whole) ? [] : [plain(whole, t.shape.at(-1)!, known)]
  return { sources: [whole.x], layers }
}

/** With one step more before it, where nothing else takes what that gives. */
function longer(outer: Affine, { known, alone }: Reading): Affine | undefined {
  const inner = alone(outer.x) ? stepOf(outer.x, known) : undefined
  if (!inner) return undefined
  const times = (a: number, b: number) => a * b
  const moved = each(inner.shift, outer.scale, times)
  return {
    x: inner.x,
    scale: each(inner.scale, outer.scale, times),
    shift: each(moved, outer.shift, (a, b) => a + b),
    operands: [...outer.operands, ...inner.operands],
  }
}

/** One op of x and something known; undefined where it is another or x is repeated by it. */
function stepOf({ node, shape }: Tensor, known: Known): Affine | undefined {
  const [a, b] = node.inputs
  if (!a || node.inputs.length > 2 || known.has(node.outputs[0]!)) return undefined
  const isFirst = !known.has(a)
  const x = isFirst ? a : b!
  if (known.has(x) || !sameShape(x.shape, shape)) return undefined
  if (node.op === 'negative') return { x, scale: [-1], shift: [0], operands: [] }
  const operand = isFirst ? b : a
  if (!operand || !known.has(operand)) return undefined
  const k = () => known.byChannel(operand, shape.at(-1)!)
  const step = (scale?: ByChannel, shift?: ByChannel) =>
    scale && shift && { x, scale, shift, operands: [operand] }
  switch (node.op) {
    case 'add':
    case 'biasAdd':
      return step([1], k())
    case 'subtract':
      return isFirst
        ? step(
            [1],
            k()?.map((v) => -v),
          )
        : step([-1], k())
    case 'multiply':
      return step(k(), [0])
    case 'divide':
      return isFirst
        ? step(
            k()?.map((v) => 1 / v),
            [0],
          )
        : undefined
    default:
      return undefined
  }
}

function each(a: ByChannel, b: ByChannel, f: (x: number, y: number) => number): ByChannel {
  const [short, long] = a.length < b.length ? [a, b] : [b, a]
  return long.map((v, c) => {
    const other = short[c] ?? short[0]!
    return long === a ? f(v, other) : f(other, v)
  })
}

function isNothing({ scale, shift }: Affine): boolean {
  return scale.every((s) => s === 1) && shift.every((o) => o === 0)
}

/** Numbers that stand in the settings of a layer; more are weights. */
const FEW = 4

function plain({ scale, shift, operands }: Affine, channels: number, known: Known): RaisedLayer {
  const leaves = known.leaves(operands)
  const name = layerNameOf(leaves)
  const isTrained = leaves.some(({ node }) => weightName(node) !== undefined)
  const isFew = !isTrained && channels <= FEW
  if (isFew || (scale.length === 1 && shift.length === 1)) {
    return layer('Rescaling', { scale: short(scale), offset: short(shift) }, { name })
  }
  const filled = (values: ByChannel) =>
    Float32Array.from({ length: channels }, (_, c) => values[c] ?? values[0]!)
  const weights = {
    gamma: filled(scale),
    beta: filled(shift),
    moving_mean: filled([0]),
    moving_variance: filled([1]),
  }
  return layer('BatchNormalization', { epsilon: 0 }, { name, weights })
}

/** One number where all channels have the same. */
function short(values: ByChannel): number | ByChannel {
  return values.length === 1 ? values[0]! : values
}

import type { OpAttributes, OpName } from './ops.ts'
import { sizeOf, type Node, type Shape } from './program.ts'
import { fill, read, readBroadcast, type Doubles, type Value } from './reference-arrays.ts'
import { erf } from '../util/erf.ts'
import { NORMALIZATION } from './reference-normalization.ts'
import { WINDOWS } from './reference-windows.ts'

export type { Doubles, Value } from './reference-arrays.ts'

/** `shape` is that of the first output. */
type Kernel<Name extends OpName> = (
  inputs: readonly Value[],
  attributes: OpAttributes[Name],
  shape: Shape,
) => Doubles | readonly Doubles[]

/** The values of a node's outputs, in float64. Not for inputs and variables, which have none of their own. */
export function computeNode(node: Node, inputs: readonly Value[]): readonly Doubles[] {
  const kernel = REFERENCE[node.op as keyof typeof REFERENCE] as Kernel<OpName> | undefined
  if (!kernel) throw new TypeError(`${node.op} has no value of its own`)
  const result = kernel(inputs, node.attributes, node.outputs[0]!.shape)
  return result instanceof Float64Array ? [result] : result
}

/** What each op means, in loops meant to be read. */
const REFERENCE: { readonly [Name in Exclude<OpName, 'input' | 'variable'>]: Kernel<Name> } = {
  constant: (_, { data }) => Float64Array.from(data),

  relu: map((x) => Math.max(0, x)),
  relu6: map((x) => Math.min(6, Math.max(0, x))),
  sigmoid: map(sigmoid),
  tanh: map(Math.tanh),
  softplus: map(softplus),
  exp: map(Math.exp),
  log: map(Math.log),
  sqrt: map(Math.sqrt),
  rsqrt: map((x) => 1 / Math.sqrt(x)),
  square: map((x) => x * x),
  negative: map((x) => -x),
  erf: map(erf),
  silu: map((x) => x * sigmoid(x)),
  gelu: map((x) => (x * (1 + erf(x * Math.SQRT1_2))) / 2),
  reluGradient: zip((dy, x) => (x > 0 ? dy : 0)),
  relu6Gradient: zip((dy, x) => (x > 0 && x < 6 ? dy : 0)),
  siluGradient: zip((dy, x) => dy * sigmoid(x) * (1 + x * (1 - sigmoid(x)))),
  cast: ([x], { dtype }) =>
    dtype === 'float32'
      ? x!.data
      : x!.data.map(dtype === 'uint8' ? (v) => Math.trunc(v) & 255 : Math.trunc),

  add: zip((x, y) => x + y),
  subtract: zip((x, y) => x - y),
  multiply: zip((x, y) => x * y),
  divide: zip((x, y) => x / y),
  maximum: zip(Math.max),
  minimum: zip(Math.min),
  power: zip(Math.pow),

  matMul: ([x, y], { transposeA, transposeB }, shape) => {
    const [m, n] = shape as [number, number]
    const k = x!.shape[transposeA ? 0 : 1]!
    return fill(shape, ([i, j]) => {
      let sum = 0
      for (let l = 0; l < k; l += 1) {
        sum +=
          x!.data[transposeA ? l * m + i! : i! * k + l]! *
          y!.data[transposeB ? j! * k + l : l * n + j!]!
      }
      return sum
    })
  },
  biasAdd: zip((x, bias) => x + bias),
  ...WINDOWS,
  ...NORMALIZATION,

  reshape: ([x]) => x!.data,
  transpose: ([x], { permutation }, shape) =>
    fill(shape, (at) =>
      read(
        x!,
        x!.shape.map((_, i) => at[permutation.indexOf(i)]!),
      ),
    ),
  pad: ([x], { padding, value }, shape) =>
    fill(shape, (at) => {
      const from = at.map((i, axis) => i - padding[axis]![0])
      return from.every((i, axis) => i >= 0 && i < x!.shape[axis]!) ? read(x!, from) : value
    }),
  slice: ([x], { begin }, shape) =>
    fill(shape, (at) =>
      read(
        x!,
        at.map((i, axis) => i + begin[axis]!),
      ),
    ),
  concat: (inputs, { axis }, shape) =>
    fill(shape, (at) => {
      let along = at[axis]!
      for (const part of inputs) {
        if (along < part.shape[axis]!) return read(part, at.with(axis, along))
        along -= part.shape[axis]!
      }
      return NaN
    }),
  broadcastTo: ([x], _, shape) => fill(shape, (at) => readBroadcast(x!, at)),

  reduceSum: ([x], { axes }) => reduce(x!, axes, 0, (sum, v) => sum + v),
  reduceMean: ([x], { axes }) => {
    const count = axes.reduce((product, axis) => product * x!.shape[axis]!, 1)
    return reduce(x!, axes, 0, (sum, v) => sum + v).map((sum) => sum / count)
  },
  reduceMax: ([x], { axes }) => reduce(x!, axes, -Infinity, Math.max),
  reduceMaxGradient: ([dy, x, y], { axes }) => {
    const reached = zip((v, max) => (v === max ? 1 : 0))([x!, y!], {}, x!.shape)
    const count = reduce({ data: reached, shape: x!.shape }, axes, 0, (sum, v) => sum + v)
    const share = { data: dy!.data.map((v, i) => v / count[i]!), shape: dy!.shape }
    return zip((r, v) => r * v)([{ data: reached, shape: x!.shape }, share], {}, x!.shape)
  },

  softmax: ([x]) => rows(x!, (row) => logSoftmax(row).map(Math.exp)),
  softmaxCrossEntropy: ([x, targets]) => {
    const products = rows(x!, logSoftmax).map((v, i) => {
      const target = targets!.data[i]!
      return target === 0 ? 0 : -target * v
    })
    return reduce({ data: products, shape: x!.shape }, [1], 0, (sum, v) => sum + v)
  },
  sigmoidCrossEntropy: zip((x, z) => softplus(x) - x * z),
}

function map(f: (x: number) => number): (inputs: readonly Value[]) => Doubles {
  return ([x]) => x!.data.map((v) => f(v))
}

function zip(f: (x: number, y: number) => number) {
  return ([x, y]: readonly Value[], _: unknown, shape: Shape): Doubles =>
    x!.data.length === y!.data.length && x!.shape.join() === shape.join()
      ? x!.data.map((v, i) => f(v, y!.data[i]!))
      : fill(shape, (at) => f(readBroadcast(x!, at), readBroadcast(y!, at)))
}

function reduce(
  { data, shape }: Value,
  axes: readonly number[],
  start: number,
  step: (accumulated: number, v: number) => number,
): Doubles {
  const kept = shape.map((n, axis) => (axes.includes(axis) ? 1 : n))
  const result = new Float64Array(sizeOf(kept)).fill(start)
  let position = 0
  fill(shape, (at) => {
    const offset = kept.reduce((sum, n, axis) => sum * n + (n === 1 ? 0 : at[axis]!), 0)
    result[offset] = step(result[offset]!, data[position]!)
    position += 1
    return 0
  })
  return result
}

function rows({ data, shape }: Value, f: (row: Doubles) => Doubles): Doubles {
  const width = shape.at(-1)!
  const result = new Float64Array(data.length)
  for (let start = 0; start < data.length; start += width) {
    result.set(f(data.subarray(start, start + width)), start)
  }
  return result
}

function sigmoid(x: number): number {
  return x >= 0 ? 1 / (1 + Math.exp(-x)) : Math.exp(x) / (1 + Math.exp(x))
}

/** log(1 + exp(x)) without overflow. */
function softplus(x: number): number {
  return Math.max(x, 0) + Math.log1p(Math.exp(-Math.abs(x)))
}

function logSoftmax(row: Doubles): Doubles {
  const max = Math.max(...row)
  const log = Math.log(row.reduce((sum, v) => sum + Math.exp(v - max), 0))
  return row.map((v) => v - max - log)
}

import type { OpAttributes } from '../../../program/ops.ts'
import type { Shape, Tensor } from '../../../program/program.ts'
import { layerNameOf, sameShape, type Known } from './known.ts'
import { BATCH, layer, type Raised, type RaisedLayer, type Reading, type Rule } from './raised.ts'

/** A product with a known kernel, on its way to be a layer. */
interface Product {
  readonly x: Tensor
  readonly kernel: Tensor
  readonly made: (bias: Float32Array | undefined, name: string | undefined) => RaisedLayer
}

/** Conv2D, DepthwiseConv2D and Dense, with what is added behind them by channel as their bias. */
export const linear: Rule = (t, reading) => {
  const { known } = reading
  const isSum = t.node.op === 'biasAdd' || t.node.op === 'add'
  if (isSum) return biased(t, reading)
  if (t.node.op === 'reshape') return rowwise(t, reading)
  const product = productOf(t, known)
  if (typeof product !== 'object') return product
  return { sources: [product.x], layers: [made(product, undefined, known)] }
}

/** The sum of a product that feeds nothing else and numbers by channel. */
function biased(t: Tensor, { known, alone }: Reading): Raised | undefined {
  const [x] = known.unknown(t.node)
  const bias = t.node.inputs.find((input) => known.has(input))
  if (!x || !bias || !alone(x) || !sameShape(x.shape, t.shape)) return undefined
  const product = productOf(x, known) ?? rowProduct(x, { known, alone })
  if (typeof product !== 'object') return undefined
  const channels = t.shape.at(-1)!
  const values = known.byChannel(bias, channels)
  if (!values) return undefined
  const data = Float32Array.from({ length: channels }, (_, c) => values[c] ?? values[0]!)
  return { sources: [product.x], layers: [made(product, { tensor: bias, data }, known)] }
}

function made(
  { kernel, made }: Product,
  bias: { readonly tensor: Tensor; readonly data: Float32Array } | undefined,
  known: Known,
): RaisedLayer {
  const leaves = known.leaves(bias ? [kernel, bias.tensor] : [kernel])
  return made(bias?.data, layerNameOf(leaves))
}

/** A string: why no layer is like it. */
function productOf({ node }: Tensor, known: Known): Product | string | undefined {
  const [x, kernel] = node.inputs
  switch (node.op) {
    case 'conv2d':
    case 'depthwiseConv2d': {
      if (!known.has(kernel!)) return 'whose kernel depends on the picture'
      const attributes = node.attributes as OpAttributes['conv2d']
      return convolution(x!, kernel!, attributes, node.op === 'depthwiseConv2d', known)
    }
    case 'matMul': {
      if (!known.has(kernel!)) return 'of two tensors that depend on the picture'
      const { transposeA, transposeB } = node.attributes as OpAttributes['matMul']
      if (transposeA || x!.shape[0] !== BATCH) return undefined
      return dense(x!, kernel!, transposeB, known)
    }
    default:
      return undefined
  }
}

function convolution(
  x: Tensor,
  kernel: Tensor,
  { strides, padding, dilations }: OpAttributes['conv2d'],
  isDepthwise: boolean,
  known: Known,
): Product | string {
  if (dilations.some((n) => n !== 1)) return `with dilations [${dilations.join(', ')}]`
  const [rows, columns, , last] = kernel.shape as [number, number, number, number]
  const shared = { kernelSize: [rows, columns], strides, padding } as const
  return {
    x,
    kernel,
    made: (bias, name) => {
      const settings = { ...shared, useBias: bias !== undefined }
      const weights = { kernel: known.floats(kernel), ...(bias ? { bias } : {}) }
      return isDepthwise
        ? layer('DepthwiseConv2D', { ...settings, depthMultiplier: last }, { name, weights })
        : layer('Conv2D', { ...settings, filters: last }, { name, weights })
    },
  }
}

function dense(x: Tensor, kernel: Tensor, transposed: boolean, known: Known): Product {
  const [first, second] = kernel.shape as [number, number]
  return {
    x,
    kernel,
    made: (bias, name) => {
      const own = known.floats(kernel)
      const values = transposed ? turned(own, [first, second]) : own
      const weights = { kernel: values, ...(bias ? { bias } : {}) }
      const units = transposed ? first : second
      return layer('Dense', { units, useBias: bias !== undefined }, { name, weights })
    },
  }
}

/** [rows, columns] as [columns, rows]. */
function turned(values: Float32Array, [rows, columns]: readonly [number, number]): Float32Array {
  return Float32Array.from(values, (_, i) => values[(i % rows) * columns + Math.floor(i / rows)]!)
}

/** A Dense along the last axis of more than two, as TensorFlow computes it: all places as rows of one matrix. */
function rowProduct(t: Tensor, { known, alone }: Reading): Product | undefined {
  const [product] = t.node.inputs
  if (t.node.op !== 'reshape' || product!.node.op !== 'matMul' || !alone(product!)) return undefined
  const [flat, kernel] = product!.node.inputs as [Tensor, Tensor]
  if (flat.node.op !== 'reshape' || !known.has(kernel)) return undefined
  const { transposeA, transposeB } = product!.node.attributes as OpAttributes['matMul']
  const x = flat.node.inputs[0]!
  const outer = (shape: Shape) => shape.slice(0, -1)
  const fits = sameShape(outer(x.shape), outer(t.shape)) && x.shape.at(-1) === flat.shape[1]
  if (transposeA || !fits || t.shape.at(-1) !== product!.shape[1]) return undefined
  return dense(x, kernel, transposeB, known)
}

/** Such a Dense, its bias added before or after its rows are put back. */
function rowwise(t: Tensor, reading: Reading): Raised | undefined {
  const { known } = reading
  const product = rowProduct(t, reading)
  return product && { sources: [product.x], layers: [made(product, undefined, known)] }
}

import type { OpAttributes, OpName } from '../../../program/ops.ts'
import type { Tensor } from '../../../program/program.ts'
import type { Activation } from '../../layer-graph.ts'
import { affine } from './affine.ts'
import { activationLayers, byValues } from './by-values.ts'
import { chosenChannels, grouped, picking, selection } from './channels.ts'
import { sameShape } from './known.ts'
import { linear } from './linear.ts'
import { BATCH, layer, of, type Raised, type Rule } from './raised.ts'

/**
 * How each op of a Program becomes a layer, once what it is a part of has been looked for (`PARTS`). An op that is not here
 * has none.
 */
const RULES: { readonly [Name in OpName]?: Rule } = {
  relu: activation('relu'),
  relu6: activation('relu6'),
  sigmoid: activation('sigmoid'),
  tanh: activation('tanh'),
  softplus: activation('softplus'),
  exp: activation('exponential'),
  silu: activation('silu'),
  gelu: activation('gelu'),
  softmax: activation('softmax'),
  square: ({ node: { inputs } }) => power(inputs[0]!, 2),
  power: ({ node: { inputs } }, { known }) => {
    const [x, exponent] = inputs as [Tensor, Tensor]
    const times = known.has(exponent) ? known.byChannel(exponent, 1) : undefined
    return times?.length === 1 && POWERS.has(times[0]!)
      ? power(x, times[0]!)
      : 'of another exponent than 2, 3 or 4'
  },

  add: merge('Add'),
  multiply: merge('Multiply'),
  subtract: (t, reading) => {
    const isEven = t.node.inputs.every(({ shape }) => sameShape(shape, t.shape))
    return isEven ? merge('Subtract')(t, reading) : 'of tensors of different sizes'
  },
  maximum: (t, reading) => bound(t, reading, 1) ?? merge('Maximum')(t, reading),
  minimum: (t, reading) => bound(t, reading, -1) ?? merge('Minimum')(t, reading),

  maxPool: ({ node }, { known }) => of(node, known, layer('MaxPooling2D', pool(node.attributes))),
  avgPool: ({ node }, { known }) =>
    of(node, known, layer('AveragePooling2D', pool(node.attributes))),
  reduceMean: globalPool('GlobalAveragePooling2D'),
  reduceMax: globalPool('GlobalMaxPooling2D'),
  reduceSum: (t, reading) => {
    const mean = globalPool('GlobalAveragePooling2D')(t, reading)
    if (typeof mean !== 'object') return mean
    const [, height, width] = t.node.inputs[0]!.shape
    return {
      ...mean,
      layers: [...mean.layers, layer('Rescaling', { scale: height! * width!, offset: 0 })],
    }
  },
  batchNorm: () => 'by the statistics of the batch',

  pad: ({ node }, { known }) => {
    const { padding, value } = node.attributes as OpAttributes['pad']
    const [batch, rows, columns, channels] = padding
    const isPicture = padding.length === 4 && [...batch!, ...channels!].every((n) => n === 0)
    if (!isPicture || value !== 0) return 'that is not of zeros around a picture'
    return of(node, known, layer('ZeroPadding2D', { padding: [rows!, columns!] }))
  },
  slice: ({ node }, { known }) => {
    const { begin, size } = node.attributes as OpAttributes['slice']
    const { shape } = node.inputs[0]!
    const cut = shape.map((n, axis) => [begin[axis]!, n - begin[axis]! - size[axis]!] as const)
    const [batch, rows, columns, channels] = cut
    const isNone = (ends: readonly number[] | undefined) => ends?.every((n) => n === 0)
    if (shape.length !== 4 || !isNone(batch)) return 'of other than rows, columns and channels'
    const kept = Array.from({ length: size[3]! }, (_, c) => begin[3]! + c)
    const isCropped = !isNone(rows) || !isNone(columns)
    const crop = layer('Cropping2D', { cropping: [rows!, columns!] })
    const picked = isNone(channels) ? [] : [picking(shape[3]!, kept)]
    return of(node, known, ...(isCropped ? [crop] : []), ...picked)
  },
  concat: (t, reading) => {
    const { node, shape } = t
    const { axis } = node.attributes as OpAttributes['concat']
    if (axis !== shape.length - 1) return `along axis ${axis}`
    if (node.inputs.some((input) => reading.known.has(input))) {
      return 'with numbers that no picture changes'
    }
    const chosen = chosenChannels(t)
    if (chosen) return selection(chosen)
    return grouped(t, reading) ?? of(node, reading.known, layer('Concatenate', {}))
  },
  transpose: ({ node }, { known }) => {
    const { permutation } = node.attributes as OpAttributes['transpose']
    const isNothing = permutation.every((axis, i) => axis === i)
    return isNothing ? of(node, known) : `of the axes [${permutation.join(', ')}]`
  },
  reshape: (t, reading) => {
    const { shape, node } = t
    const [x] = node.inputs as [Tensor]
    if (shape[0] !== BATCH || x.shape[0] !== BATCH) return 'of pictures as one'
    if (shape.length !== 2) {
      return of(node, reading.known, layer('Reshape', { targetShape: shape.slice(1) }))
    }
    const pooled = reading.alone(x) && POOLS.has(x.node.op) && RULES[x.node.op]!(x, reading)
    const flat = typeof pooled === 'object' && withoutAxes(pooled)
    return flat || of(node, reading.known, layer('Flatten', {}))
  },
}

/** Tried for every op, in this order: what a layer is made of, several ops mostly. */
const PARTS: readonly Rule[] = [byValues, linear, affine]

/** What gives the tensor, or why no layer does. */
export const raise: Rule = (t, reading) => {
  let why: string | undefined
  for (const rule of [...PARTS, RULES[t.node.op]]) {
    const raised = rule?.(t, reading)
    if (typeof raised === 'object') return raised
    why ??= raised
  }
  return why ?? ''
}

function activation(name: Activation): Rule {
  return ({ node }, { known }) => of(node, known, ...activationLayers(name))
}

const POWERS: ReadonlySet<number> = new Set([2, 3, 4])

function power(x: Tensor, times: number): Raised {
  return { sources: new Array<Tensor>(times).fill(x), layers: [layer('Multiply', {})] }
}

/** Of tensors that all depend on the picture; one may be repeated along the axes where its length is 1. */
function merge(kind: 'Add' | 'Multiply' | 'Subtract' | 'Maximum' | 'Minimum'): Rule {
  return ({ node }, { known }) => {
    const { inputs } = node
    if (inputs.some((t) => known.has(t))) return 'with numbers that are not one by channel'
    const [a, b] = inputs as [Tensor, Tensor]
    if (a.shape.length !== b.shape.length) return 'of tensors of different ranks'
    return { sources: inputs, layers: [layer(kind, {})] }
  }
}

/** `max(x, c)` is `relu(x - c) + c`, and `min(x, c)` is `-relu(c - x) + c`. */
function bound(t: Tensor, { known }: Parameters<Rule>[1], sign: 1 | -1): Raised | undefined {
  const [x] = known.unknown(t.node)
  const limit = t.node.inputs.find((input) => known.has(input))
  const values = limit && known.byChannel(limit, t.shape.at(-1)!)
  if (values?.length !== 1 || !x || !sameShape(x.shape, t.shape)) return undefined
  const [c] = values as [number]
  return {
    sources: [x],
    layers: [
      layer('Rescaling', { scale: sign, offset: -sign * c }),
      layer('ReLU', {}),
      layer('Rescaling', { scale: sign, offset: c }),
    ],
  }
}

function pool(attributes: object) {
  const { size, strides, padding } = attributes as OpAttributes['maxPool']
  return { poolSize: size, strides, padding }
}

const POOLS: ReadonlySet<OpName> = new Set(['reduceMean', 'reduceMax', 'reduceSum'])

function globalPool(kind: 'GlobalAveragePooling2D' | 'GlobalMaxPooling2D'): Rule {
  return ({ node }, { known }) => {
    const { axes, keepDims } = node.attributes as OpAttributes['reduceMean']
    const isPicture = node.inputs[0]!.shape.length === 4 && axes.join() === '1,2'
    if (!isPicture) return `along the axes [${axes.join(', ')}]`
    return of(node, known, layer(kind, { keepDims }))
  }
}

/** A global pool, and what is behind it, that keeps no axes. */
function withoutAxes({ sources, layers }: Raised): Raised {
  const [first, ...rest] = layers
  return { sources, layers: [{ ...first!, settings: { keepDims: false } }, ...rest] }
}

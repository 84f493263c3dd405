import type { ConvAttributes, PoolAttributes } from '../../../program/ops.ts'
import { sizeOf, type Tensor } from '../../../program/program.ts'
import { paddedInput } from '../../layers/convolution.ts'
import type { Call, Handlers } from '../call.ts'
import { host, Malformed, traced, Unsupported, type Value } from '../values.ts'
import { reader } from './host.ts'

/** Convolutions, pools, normalization and matrices, on [batch, height, width, channels]. */
export const NETWORK: Handlers = {
  Conv2D: (call) => {
    const kernel = call.tensor(1)
    const [x, attributes] = convolution(call, kernel)
    const groups = x.shape[3]! / kernel.shape[2]!
    if (groups === 1) return traced('float', call.b.conv2d(x, kernel, attributes))
    return traced('float', grouped(call, x, kernel, attributes, groups))
  },
  DepthwiseConv2dNative: (call) => {
    const kernel = call.tensor(1)
    const [x, attributes] = convolution(call, kernel)
    return traced('float', call.b.depthwiseConv2d(x, kernel, attributes))
  },
  BiasAdd: (call) => {
    needsNhwc(call)
    return traced('float', call.b.biasAdd(call.tensor(0), call.tensor(1)))
  },
  BiasAddV1: (call) => traced('float', call.b.biasAdd(call.tensor(0), call.tensor(1))),
  FusedBatchNorm: batchNorm,
  FusedBatchNormV2: batchNorm,
  FusedBatchNormV3: batchNorm,
  MatMul: (call) =>
    traced(
      'float',
      call.b.matMul(
        call.tensor(0),
        call.tensor(1),
        call.flag('transpose_a', false),
        call.flag('transpose_b', false),
      ),
    ),
  BatchMatMul: batchMatMul,
  BatchMatMulV2: batchMatMul,
  BatchMatMulV3: batchMatMul,
  MaxPool: (call) => traced('float', call.b.maxPool(call.tensor(0), pool(call))),
  AvgPool: (call) => traced('float', call.b.avgPool(call.tensor(0), pool(call))),
  Mean: (call) =>
    reduced(call, (b, x, axes, keep) => b.reduceMean(x, axes, keep), {
      start: 0,
      step: (sum, v, n) => sum + v / n,
    }),
  Sum: (call) =>
    reduced(call, (b, x, axes, keep) => b.reduceSum(x, axes, keep), {
      start: 0,
      step: (sum, v) => sum + v,
    }),
  Max: (call) =>
    reduced(call, (b, x, axes, keep) => b.reduceMax(x, axes, keep), {
      start: -Infinity,
      step: Math.max,
    }),
  Min: (call) =>
    reduced(call, (b, x, axes, keep) => b.negative(b.reduceMax(b.negative(x), axes, keep)), {
      start: Infinity,
      step: Math.min,
    }),
  Prod: (call) => reduced(call, undefined, { start: 1, step: (product, v) => product * v }),
  All: (call) => reduced(call, undefined, { start: 1, step: (all, v) => all * v }),
  Any: (call) => reduced(call, undefined, { start: 0, step: Math.max }),
  L2Loss: (call) => {
    const x = call.tensor(0)
    const axes = x.shape.map((_, axis) => axis)
    return traced(
      'float',
      call.b.multiply(call.b.reduceSum(call.b.square(x), axes), call.b.scalar(0.5)),
    )
  },
  Softmax: (call) => traced('float', call.b.softmax(call.tensor(0))),
  LogSoftmax: (call) => {
    const { b } = call
    const x = call.tensor(0)
    const last = [x.shape.length - 1]
    const shifted = b.subtract(x, b.reduceMax(x, last, true))
    return traced('float', b.subtract(shifted, b.log(b.reduceSum(b.exp(shifted), last, true))))
  },
}

function needsNhwc(call: Call): void {
  const format = call.text('data_format', 'NHWC')
  if (format !== 'NHWC') throw new Unsupported(`with data_format ${format}`)
}

/** The two inner ones of four: strides, sizes, distances. */
function inner(values: readonly number[]): [number, number] {
  const pair: [number, number] = [values[1] ?? 1, values[2] ?? 1]
  if (!pair.every((n) => Number.isInteger(n) && n > 0)) {
    throw new Malformed(`steps or sizes of [${values.join(', ')}]`)
  }
  return pair
}

/** The input, padded where TensorFlow pads explicitly, and how it is convolved. */
function convolution(call: Call, kernel: Tensor): [Tensor, ConvAttributes] {
  needsNhwc(call)
  const strides = inner(call.list('strides', [1, 1, 1, 1]))
  const dilations = inner(call.list('dilations', [1, 1, 1, 1]))
  const kind = call.text('padding', 'VALID')
  let x = call.tensor(0)
  if (kind === 'EXPLICIT') {
    const p = call.list('explicit_paddings', [])
    x = call.b.pad(
      x,
      [0, 1, 2, 3].map((i) => [p[2 * i] ?? 0, p[2 * i + 1] ?? 0] as const),
    )
  }
  const padding = kind === 'SAME' ? 'same' : 'valid'
  if (dilations[0] !== 1 || dilations[1] !== 1) return [x, { strides, padding, dilations }]
  const kernelSize: [number, number] = [kernel.shape[0]!, kernel.shape[1]!]
  return paddedInput(x, { kernelSize, strides, padding })
}

/** Depthwise where each group is of one channel (its kernel's values lie as that one's), else one by one. */
function grouped(
  call: Call,
  x: Tensor,
  kernel: Tensor,
  attributes: ConvAttributes,
  groups: number,
): Tensor {
  const { b } = call
  const [kh, kw, channels, all] = kernel.shape as [number, number, number, number]
  const filters = all / groups
  const fits = Number.isInteger(groups) && Number.isInteger(filters)
  if (fits && channels === 1) {
    return b.depthwiseConv2d(x, b.reshape(kernel, [kh, kw, groups, filters]), attributes)
  }
  if (!fits || groups > 64) throw new Unsupported(`of ${groups} groups`)
  const part = (t: Tensor, i: number, size: number) =>
    b.slice(t, [0, 0, 0, i * size], t.shape.with(3, size))
  const parts = Array.from({ length: groups }, (_, i) =>
    b.conv2d(part(x, i, channels), part(kernel, i, filters), attributes),
  )
  return b.concat(parts, 3)
}

/**
 * y, mean, variance and what only its gradient reads. In training the variance handed out is N / (N - 1) times the
 * batch's own, and both may be mixed into the averages given (tensorflow/core/kernels/fused_batch_norm_op.cc).
 */
function batchNorm(call: Call): Value[] {
  needsNhwc(call)
  const { b } = call
  const epsilon = call.number('epsilon', 1e-4)
  const [x, gamma, beta] = [call.tensor(0), call.tensor(1), call.tensor(2)]
  if (!call.flag('is_training', true)) {
    const scale = b.multiply(b.rsqrt(b.add(call.tensor(4), b.scalar(epsilon))), gamma)
    const shift = b.subtract(beta, b.multiply(call.tensor(3), scale))
    const y = b.add(b.multiply(x, scale), shift)
    return [
      traced('float', y),
      call.input(3),
      call.input(4),
      call.input(3),
      call.input(4),
      nothing(),
    ]
  }
  const [y, mean, biased] = b.batchNorm(x, gamma, beta, epsilon)
  const count = sizeOf(x.shape) / x.shape.at(-1)!
  const variance = b.multiply(biased, b.scalar(count > 1 ? count / (count - 1) : 1))
  const factor = call.number('exponential_avg_factor', 1)
  const mixed = (batch: Tensor, old: number): Tensor =>
    factor === 1
      ? batch
      : b.add(
          b.multiply(batch, b.scalar(factor)),
          b.multiply(call.tensor(old), b.scalar(1 - factor)),
        )
  const outputs = [mixed(mean, 3), mixed(variance, 4), mean, biased]
  return [traced('float', y), ...outputs.map((t) => traced('float', t)), nothing()]
}

function nothing(): Value {
  return host('float', [0], [])
}

function batchMatMul(call: Call): Value {
  const { b } = call
  const [x, y] = [call.tensor(0), call.tensor(1)]
  const [adjX, adjY] = [call.flag('adj_x', false), call.flag('adj_y', false)]
  if (x.shape.length === 2 && y.shape.length === 2)
    return traced('float', b.matMul(x, y, adjX, adjY))
  if (y.shape.length === 2 && !adjX) {
    const rows = x.shape.slice(0, -1)
    const flat = b.reshape(x, [sizeOf(rows), x.shape.at(-1)!])
    const product = b.matMul(flat, y, false, adjY)
    return traced('float', b.reshape(product, [...rows, product.shape[1]!]))
  }
  throw new Unsupported(`of [${x.shape.join(', ')}] and [${y.shape.join(', ')}]`)
}

function pool(call: Call): PoolAttributes {
  needsNhwc(call)
  const ksize = call.list('ksize', [])
  const strides = call.list('strides', [])
  const kind = call.text('padding', 'VALID')
  if (kind === 'EXPLICIT') throw new Unsupported('with explicit padding')
  if (ksize[0] !== 1 || ksize[3] !== 1) throw new Unsupported('over pictures or channels')
  return {
    size: inner(ksize),
    strides: inner(strides),
    padding: kind === 'SAME' ? 'same' : 'valid',
  }
}

/** Over known axes; `fold` for what is known itself. */
function reduced(
  call: Call,
  trace:
    ((b: Call['b'], x: Tensor, axes: readonly number[], keepDims: boolean) => Tensor) | undefined,
  fold: {
    readonly start: number
    readonly step: (so_far: number, v: number, count: number) => number
  },
): Value {
  const shape = call.shape(0)
  const keep = call.flag('keep_dims', false)
  const given = call.ints(1).map((axis) => call.axis(axis, shape.length))
  const axes = [...new Set(given)].sort((a, b) => a - b)
  const x = call.input(0)
  if (x.kind !== 'host') {
    if (!trace) throw new Unsupported('of what is known only while it runs')
    return traced(call.type(0), trace(call.b, call.tensor(0), axes, keep))
  }
  const kept = shape.map((n, axis) => (axes.includes(axis) ? 1 : n))
  const positions = host(
    'int',
    kept,
    Array.from({ length: sizeOf(kept) }, (_, i) => i),
  )
  const to = reader(positions, shape)
  const count = axes.reduce((product, axis) => product * shape[axis]!, 1)
  const data = new Array<number>(sizeOf(kept)).fill(fold.start)
  for (let i = 0; i < x.data.length; i += 1) {
    data[to(i)] = fold.step(data[to(i)]!, x.data[i]!, count)
  }
  const out = keep ? kept : shape.filter((_, axis) => !axes.includes(axis))
  return host(x.type, out, data)
}

import type { Node, Tensor } from '../../program/program.ts'
import type { ConvAttributes, OpName } from '../../program/ops.ts'
import type { AttrValue } from './graph-def.ts'
import type { ActivationName } from '../../program/expand-activations.ts'
import { LOWER_GRADIENTS } from './lower-gradients.ts'
import { batchNorm } from './lower-normalization.ts'
import { convolution, FLOAT, INDEX, pool, type LowerOp } from './lower-op.ts'
import type { NodeWriter } from './node-writer.ts'

/** Every op but the sources, which belong to the whole graph (`lower-graph.ts`), and activations that are expanded before. */
export const LOWER: {
  readonly [
    Name in Exclude<OpName, 'input' | 'constant' | 'variable' | ActivationName>
  ]: LowerOp<Name>
} = {
  relu: plain('Relu'),
  relu6: plain('Relu6'),
  sigmoid: plain('Sigmoid'),
  tanh: plain('Tanh'),
  softplus: plain('Softplus'),
  exp: plain('Exp'),
  log: plain('Log'),
  sqrt: plain('Sqrt'),
  rsqrt: plain('Rsqrt'),
  square: plain('Square'),
  negative: plain('Neg'),
  erf: plain('Erf'),
  reluGradient: plain('ReluGrad'),
  relu6Gradient: plain('Relu6Grad'),
  cast: (w, [x], { inputs: [from], attributes: { dtype } }) =>
    w.add('Cast', [x], { SrcT: { type: from!.dtype }, DstT: { type: dtype } }),

  add: plain('AddV2'),
  subtract: plain('Sub'),
  multiply: plain('Mul'),
  divide: plain('RealDiv'),
  maximum: plain('Maximum'),
  minimum: plain('Minimum'),
  power: plain('Pow'),

  matMul: (w, inputs, { attributes: { transposeA, transposeB } }) =>
    w.add('MatMul', inputs, {
      ...FLOAT,
      transpose_a: { b: transposeA },
      transpose_b: { b: transposeB },
    }),
  // BiasAdd wants two axes at least.
  biasAdd: (w, inputs, { inputs: [x] }) =>
    w.add(x!.shape.length > 1 ? 'BiasAdd' : 'AddV2', inputs, FLOAT),
  conv2d: (w, inputs, { attributes }) => w.add('Conv2D', inputs, convolution(attributes)),
  depthwiseConv2d: depthwise,
  batchNorm,
  ...LOWER_GRADIENTS,

  maxPool: (w, inputs, { attributes }) => w.add('MaxPool', inputs, pool(attributes)),
  avgPool: (w, inputs, { attributes }) => w.add('AvgPool', inputs, pool(attributes)),

  reshape: (w, [x], { attributes: { shape }, outputs }) =>
    w.add('Reshape', [x, w.integers(shape)], { ...typeOf(outputs), Tshape: INDEX }),
  transpose: (w, [x], { attributes: { permutation }, outputs }) =>
    w.add('Transpose', [x, w.integers(permutation)], { ...typeOf(outputs), Tperm: INDEX }),
  pad: (w, [x], { attributes: { padding, value }, outputs }) => {
    const paddings = w.integers(padding.flat(), [padding.length, 2])
    const attributes = { ...typeOf(outputs), Tpaddings: INDEX }
    if (value === 0) return w.add('Pad', [x, paddings], attributes)
    return w.add('PadV2', [x, paddings, filler(w, value, outputs)], attributes)
  },
  slice: (w, [x], { attributes: { begin, size }, outputs }) =>
    w.add('Slice', [x, w.integers(begin), w.integers(size)], { ...typeOf(outputs), Index: INDEX }),
  // ConcatV2 wants two inputs at least.
  concat: (w, inputs, { attributes: { axis }, outputs }) =>
    inputs.length === 1
      ? w.add('Identity', inputs, typeOf(outputs))
      : w.add('ConcatV2', [...inputs, w.integers([axis], [])], {
          ...typeOf(outputs),
          N: { i: inputs.length },
          Tidx: INDEX,
        }),
  broadcastTo: (w, [x], { attributes: { shape }, outputs }) =>
    w.add('BroadcastTo', [x, w.integers(shape)], { ...typeOf(outputs), Tidx: INDEX }),

  reduceSum: (w, [x], { attributes: { axes, keepDims } }) => reduce(w, 'Sum', x!, axes, keepDims),
  reduceMean: (w, [x], { attributes: { axes, keepDims } }) => reduce(w, 'Mean', x!, axes, keepDims),
  reduceMax: (w, [x], { attributes: { axes, keepDims } }) => reduce(w, 'Max', x!, axes, keepDims),
  reduceMaxGradient: (w, [dy, x, y], { attributes: { axes } }) => {
    const equal = w.add('Equal', [x, y], FLOAT)
    const chosen = w.add('Cast', [equal], { SrcT: { type: 'bool' }, DstT: { type: 'float32' } })
    const share = w.add('RealDiv', [chosen, reduce(w, 'Sum', chosen, axes, true)], FLOAT)
    return w.add('Mul', [share, dy], FLOAT)
  },

  softmax: plain('Softmax'),
  softmaxCrossEntropy: plain('SoftmaxCrossEntropyWithLogits'),
  // max(x, 0) - x z + log1p(exp(-|x|)), as tf.nn.sigmoid_cross_entropy_with_logits.
  sigmoidCrossEntropy: (w, [x, z]) => {
    const linear = w.add('Sub', [w.add('Relu', [x], FLOAT), w.add('Mul', [x, z], FLOAT)], FLOAT)
    const minus = w.add('Neg', [w.add('Abs', [x], FLOAT)], FLOAT)
    return w.add('AddV2', [linear, w.add('Log1p', [w.add('Exp', [minus], FLOAT)], FLOAT)], FLOAT)
  },
}

/**
 * Activations said with other ops than their own. TensorFlow's remapper, with oneDNN, fuses convolution, bias, sum and
 * activation also where the sum has other users, whose input is then missing: it fails, and nothing at all is fused
 * (NASNet's reduction cells; a third slower). It does not know these.
 */
export const LOWER_APART: Partial<Record<OpName, (w: NodeWriter, x: string) => string>> = {
  relu: (w, x) => w.add('Maximum', [x, w.scalar(0)], FLOAT),
  relu6: (w, x) =>
    w.add('Minimum', [w.add('Maximum', [x, w.scalar(0)], FLOAT), w.scalar(6)], FLOAT),
}

/** An op of TensorFlow's that takes the same inputs, in the same order. */
function plain<Name extends OpName>(op: string): LowerOp<Name> {
  return (w, inputs) => w.add(op, inputs, FLOAT)
}

function typeOf([output]: readonly Tensor[]): { T: AttrValue } {
  return { T: { type: output!.dtype } }
}

function filler(w: NodeWriter, value: number, [output]: readonly Tensor[]): string {
  if (output!.dtype === 'float32') return w.scalar(value)
  if (output!.dtype === 'int32') return w.integers([value], [])
  return w.constant(Uint8Array.of(value), [], 'uint8')
}

function reduce(w: NodeWriter, op: string, x: string, axes: readonly number[], keepDims: boolean) {
  return w.add(op, [x, w.integers(axes)], { ...FLOAT, Tidx: INDEX, keep_dims: { b: keepDims } })
}

/**
 * DepthwiseConv2dNative takes equal strides and no dilation; the others are said in terms of it: a dilated one on
 * the interleaved sub-images (as tf.nn.depthwise_conv2d has it), one of unequal strides as rows and columns of a dense one.
 */
function depthwise(
  w: NodeWriter,
  [x, kernel]: readonly string[],
  { inputs, attributes: a }: Node<'depthwiseConv2d'>,
): string {
  const native = (image: string, stride: number, padding: string) =>
    w.add('DepthwiseConv2dNative', [image, kernel], {
      ...FLOAT,
      strides: { ints: [1, stride, stride, 1] },
      padding: { s: padding },
    })
  const dilated = a.dilations.some((d) => d > 1)
  if (!dilated && a.strides[0] === a.strides[1]) {
    return native(x!, a.strides[0], a.padding.toUpperCase())
  }
  const rows = borders(inputs, a, 0)
  const columns = borders(inputs, a, 1)
  if (!dilated) {
    const padded = w.add('Pad', [x, w.integers([0, 0, ...rows, ...columns, 0, 0], [4, 2])], {
      ...FLOAT,
      Tpaddings: INDEX,
    })
    return every(w, native(padded, 1, 'VALID'), a.strides)
  }
  // The padded image must divide by the dilation: what is added for that is cropped again.
  const extra = ([before, after]: readonly number[], axis: 0 | 1): number => {
    const d = a.dilations[axis]
    return (d - ((inputs[0]!.shape[axis + 1]! + before! + after!) % d)) % d
  }
  const extraRows = extra(rows, 0)
  const extraColumns = extra(columns, 1)
  const block = w.integers(a.dilations)
  const blocks = { ...FLOAT, Tblock_shape: INDEX }
  const paddings = [rows[0], rows[1] + extraRows, columns[0], columns[1] + extraColumns]
  const apart = w.add('SpaceToBatchND', [x, block, w.integers(paddings, [2, 2])], {
    ...blocks,
    Tpaddings: INDEX,
  })
  const crops = w.integers([0, extraRows, 0, extraColumns], [2, 2])
  const dense = w.add('BatchToSpaceND', [native(apart, 1, 'VALID'), block, crops], {
    ...blocks,
    Tcrops: INDEX,
  })
  return a.strides.every((s) => s === 1) ? dense : every(w, dense, a.strides)
}

/** Rows or columns of zeros before and after, as TensorFlow counts them for its `SAME`. */
function borders(
  [image, kernel]: readonly Tensor[],
  { strides, dilations, padding }: ConvAttributes,
  axis: 0 | 1,
): [number, number] {
  if (padding === 'valid') return [0, 0]
  const size = image!.shape[axis + 1]!
  const reach = (kernel!.shape[axis]! - 1) * dilations[axis] + 1
  const total = Math.max((Math.ceil(size / strides[axis]) - 1) * strides[axis] + reach - size, 0)
  return [Math.floor(total / 2), total - Math.floor(total / 2)]
}

/** Every `strides[0]`th row and `strides[1]`th column. */
function every(w: NodeWriter, x: string, strides: readonly [number, number]): string {
  const zeros = w.integers([0, 0, 0, 0])
  return w.add('StridedSlice', [x, zeros, zeros, w.integers([1, ...strides, 1])], {
    ...FLOAT,
    Index: INDEX,
    // Bit by axis: from the very beginning, to the very end.
    begin_mask: { i: 15 },
    end_mask: { i: 15 },
  })
}

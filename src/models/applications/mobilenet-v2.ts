import type { GraphBuilder } from '../graph-builder.ts'
import type { Layer } from '../layer-graph.ts'
import { roundFilters, stridedPadding, withTop, type Architecture } from './application.ts'
import { IMAGENET, kerasFile, trainedRows, type BaseModel } from './record.ts'

/** Blocks 0 to 16: filters before the width multiplier, stride, expansion. */
const BLOCKS = [
  [16, 1, 1],
  [24, 2, 6],
  [24, 1, 6],
  [32, 2, 6],
  [32, 1, 6],
  [32, 1, 6],
  [64, 2, 6],
  [64, 1, 6],
  [64, 1, 6],
  [64, 1, 6],
  [96, 1, 6],
  [96, 1, 6],
  [96, 1, 6],
  [160, 2, 6],
  [160, 1, 6],
  [160, 1, 6],
  [320, 1, 6],
] as const

/** Sandler et al. 2018, arXiv 1801.04381; layers and names of keras/src/applications/mobilenet_v2.py. */
const mobileNetV2: Architecture = (g, input, options) => {
  const { alpha } = options
  const stem = { filters: roundFilters(32 * alpha), kernelSize: [3, 3], strides: [2, 2] } as const
  let x = g.layer('Conv2D', input, { ...stem, padding: 'same', useBias: false }, 'Conv1')
  x = normalized(g, x, 'bn_Conv1')
  x = relu6(g, x, 'Conv1_relu')
  BLOCKS.forEach(([filters, stride, expansion], index) => {
    const prefix = index === 0 ? 'expanded_conv_' : `block_${index}_`
    x = block(g, x, {
      prefix,
      filters: roundFilters(Math.trunc(filters * alpha)),
      stride,
      expansion,
    })
  })
  // the last convolution never gets narrower than 1,280
  const last = alpha > 1 ? roundFilters(1280 * alpha) : 1280
  x = pointwise(g, x, last, 'Conv_1', 'valid')
  x = normalized(g, x, 'Conv_1_bn')
  x = relu6(g, x, 'out_relu')
  const name = `mobilenetv2_${alpha.toFixed(2)}_${input.outputShape[0]}`
  return { name, output: withTop(g, x, options) }
}

interface Block {
  readonly prefix: string
  readonly filters: number
  readonly stride: 1 | 2
  readonly expansion: number
}

function block(
  g: GraphBuilder,
  input: Layer,
  { prefix, filters, stride, expansion }: Block,
): Layer {
  const channels = input.outputShape[2]!
  let x = input
  if (expansion > 1) {
    x = pointwise(g, x, expansion * channels, `${prefix}expand`)
    x = normalized(g, x, `${prefix}expand_BN`)
    x = relu6(g, x, `${prefix}expand_relu`)
  }
  if (stride === 2) {
    x = g.layer('ZeroPadding2D', x, { padding: stridedPadding(x, 3) }, `${prefix}pad`)
  }
  const padding = stride === 1 ? 'same' : 'valid'
  const window = { kernelSize: [3, 3], strides: [stride, stride], padding, useBias: false } as const
  x = g.layer('DepthwiseConv2D', x, window, `${prefix}depthwise`)
  x = normalized(g, x, `${prefix}depthwise_BN`)
  x = relu6(g, x, `${prefix}depthwise_relu`)
  x = pointwise(g, x, filters, `${prefix}project`)
  x = normalized(g, x, `${prefix}project_BN`)
  const residual = channels === filters && stride === 1
  return residual ? g.layer('Add', [input, x], {}, `${prefix}add`) : x
}

function pointwise(
  g: GraphBuilder,
  x: Layer,
  filters: number,
  name: string,
  padding: 'same' | 'valid' = 'same',
): Layer {
  return g.layer('Conv2D', x, { filters, kernelSize: [1, 1], padding, useBias: false }, name)
}

function normalized(g: GraphBuilder, x: Layer, name: string): Layer {
  return g.layer('BatchNormalization', x, { momentum: 0.999, epsilon: 1e-3 }, name)
}

function relu6(g: GraphBuilder, x: Layer, name: string): Layer {
  return g.layer('ReLU', x, { maxValue: 6 }, name)
}

/** The sizes with weights of their own. */
const SIZES = [96, 128, 160, 192, 224]

export const MOBILENET_V2: readonly BaseModel[] = [
  {
    name: 'MobileNetV2',
    family: 'MobileNetV2',
    architecture: mobileNetV2,
    inputSize: 224,
    inputSizes: SIZES,
    minSize: 32,
    preprocessing: { mode: 'tf' },
    rescalesInside: false,
    alphas: [0.35, 0.5, 0.75, 1, 1.3, 1.4],
    weights: ({ includeTop, alpha, inputShape }) => {
      const kernels = 'mobilenet_v2/mobilenet_v2_weights_tf_dim_ordering_tf_kernels'
      const width = Number.isInteger(alpha) ? alpha.toFixed(1) : String(alpha)
      const rows = trainedRows(inputShape, SIZES)
      return kerasFile(`${kernels}_${width}_${rows}${includeTop ? '' : '_no_top'}.h5`)
    },
    licence: 'Apache-2.0',
    ...IMAGENET,
  },
]

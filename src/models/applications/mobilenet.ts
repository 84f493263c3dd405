import type { GraphBuilder } from '../graph-builder.ts'
import type { Layer } from '../layer-graph.ts'
import { withPooling, type Architecture } from './application.ts'
import { IMAGENET, kerasFile, trainedRows, type BaseModel } from './record.ts'

/** Blocks 1 to 13: filters before the width multiplier, stride. */
const BLOCKS = [
  [64, 1],
  [128, 2],
  [128, 1],
  [256, 2],
  [256, 1],
  [512, 2],
  [512, 1],
  [512, 1],
  [512, 1],
  [512, 1],
  [512, 1],
  [1024, 2],
  [1024, 1],
] as const

/** Howard et al. 2017, arXiv 1704.04861; layers and names of keras/src/applications/mobilenet.py. */
const mobileNet: Architecture = (g, input, options) => {
  const { alpha, includeTop, classes } = options
  const width = (filters: number) => Math.trunc(filters * alpha)
  const stem = { filters: width(32), kernelSize: [3, 3], strides: [2, 2], padding: 'same' } as const
  let x = g.layer('Conv2D', input, { ...stem, useBias: false }, 'conv1')
  x = activated(g, x, 'conv1')
  BLOCKS.forEach(([filters, stride], index) => {
    x = block(g, x, width(filters), stride, index + 1)
  })
  const name = `mobilenet_${alpha.toFixed(2)}_${input.outputShape[0]}`
  if (!includeTop) return { name, output: withPooling(g, x, options) }
  x = g.layer('GlobalAveragePooling2D', x, { keepDims: true })
  x = g.layer('Dropout', x, { rate: 1e-3 }, 'dropout')
  const classifier = { filters: classes, kernelSize: [1, 1], padding: 'same' } as const
  x = g.layer('Conv2D', x, classifier, 'conv_preds')
  x = g.layer('Reshape', x, { targetShape: [classes] }, 'reshape_2')
  return { name, output: g.layer('Activation', x, { activation: 'softmax' }, 'predictions') }
}

function block(g: GraphBuilder, input: Layer, filters: number, stride: 1 | 2, id: number): Layer {
  const after = [0, 1] as const
  let x = input
  if (stride === 2) x = g.layer('ZeroPadding2D', x, { padding: [after, after] }, `conv_pad_${id}`)
  const padding = stride === 1 ? 'same' : 'valid'
  const window = { kernelSize: [3, 3], strides: [stride, stride], padding, useBias: false } as const
  x = activated(g, g.layer('DepthwiseConv2D', x, window, `conv_dw_${id}`), `conv_dw_${id}`)
  const pointwise = { filters, kernelSize: [1, 1], padding: 'same', useBias: false } as const
  return activated(g, g.layer('Conv2D', x, pointwise, `conv_pw_${id}`), `conv_pw_${id}`)
}

function activated(g: GraphBuilder, x: Layer, name: string): Layer {
  const normalized = g.layer('BatchNormalization', x, {}, `${name}_bn`)
  return g.layer('ReLU', normalized, { maxValue: 6 }, `${name}_relu`)
}

/** The sizes with weights of their own. */
const SIZES = [128, 160, 192, 224]

/** How file names spell the width. */
const WIDTHS: Readonly<Record<number, string>> = { 1: '1_0', 0.75: '7_5', 0.5: '5_0', 0.25: '2_5' }

export const MOBILENET: readonly BaseModel[] = [
  {
    name: 'MobileNet',
    family: 'MobileNet',
    architecture: mobileNet,
    inputSize: 224,
    inputSizes: SIZES,
    minSize: 32,
    preprocessing: { mode: 'tf' },
    rescalesInside: false,
    alphas: [0.25, 0.5, 0.75, 1],
    weights: ({ includeTop, alpha, inputShape }) => {
      const rows = trainedRows(inputShape, SIZES)
      const top = includeTop ? '' : '_no_top'
      return kerasFile(`mobilenet/mobilenet_${WIDTHS[alpha]!}_${rows}_tf${top}.h5`)
    },
    licence: 'Apache-2.0',
    ...IMAGENET,
  },
]

import type { GraphBuilder } from '../graph-builder.ts'
import type { Layer } from '../layer-graph.ts'
import { relu, withTop, type Architecture } from './application.ts'
import { IMAGENET, kerasKernels, type BaseModel } from './record.ts'

/** Chollet 2017, arXiv 1610.02357; layers and names of keras/src/applications/xception.py. */
const xception: Architecture = (g, input, options) => {
  let x = convolved(g, input, 32, 2, 'block1_conv1')
  x = relu(g, x, 'block1_conv1_act')
  x = relu(g, convolved(g, x, 64, 1, 'block1_conv2'), 'block1_conv2_act')
  x = halved(g, x, 2, [128, 128])
  x = halved(g, x, 3, [256, 256])
  x = halved(g, x, 4, [728, 728])
  for (let block = 5; block <= 12; block += 1) {
    let y = x
    for (let i = 1; i <= 3; i += 1) {
      y = relu(g, y, `block${block}_sepconv${i}_act`)
      y = separable(g, y, 728, `block${block}_sepconv${i}`)
    }
    x = g.layer('Add', [y, x], {})
  }
  x = halved(g, x, 13, [728, 1024])
  for (const [index, filters] of [1536, 2048].entries()) {
    const name = `block14_sepconv${index + 1}`
    x = relu(g, separable(g, x, filters, name), `${name}_act`)
  }
  return { name: 'xception', output: withTop(g, x, options, { top: 'avg_pool' }) }
}

/** Two separable convolutions and a pool, beside a strided 1x1 convolution. */
function halved(g: GraphBuilder, x: Layer, block: number, filters: readonly number[]): Layer {
  const step = { kernelSize: [1, 1], strides: [2, 2], padding: 'same', useBias: false } as const
  const conv = g.layer('Conv2D', x, { filters: filters.at(-1)!, ...step })
  const residual = g.layer('BatchNormalization', conv, {})
  let y = x
  for (const [index, width] of filters.entries()) {
    const name = `block${block}_sepconv${index + 1}`
    // the first layers' activation has just been
    if (block > 2 || index > 0) y = relu(g, y, `${name}_act`)
    y = separable(g, y, width, name)
  }
  const pool = { poolSize: [3, 3], strides: [2, 2], padding: 'same' } as const
  return g.layer('Add', [g.layer('MaxPooling2D', y, pool, `block${block}_pool`), residual], {})
}

function convolved(g: GraphBuilder, x: Layer, filters: number, stride: 1 | 2, name: string): Layer {
  const window = { filters, kernelSize: [3, 3], strides: [stride, stride], useBias: false } as const
  return g.layer('BatchNormalization', g.layer('Conv2D', x, window, name), {}, `${name}_bn`)
}

function separable(g: GraphBuilder, x: Layer, filters: number, name: string): Layer {
  const window = { filters, kernelSize: [3, 3], padding: 'same', useBias: false } as const
  return g.layer(
    'BatchNormalization',
    g.layer('SeparableConv2D', x, window, name),
    {},
    `${name}_bn`,
  )
}

export const XCEPTION: readonly BaseModel[] = [
  {
    name: 'Xception',
    family: 'Xception',
    architecture: xception,
    inputSize: 299,
    minSize: 71,
    preprocessing: { mode: 'tf' },
    rescalesInside: false,
    weights: kerasKernels('xception/xception', [
      '0a58e3b7378bc2990ea3b43d5981f1f6',
      'b0042744bf5b25fce3cb969f33bebb97',
    ]),
    licence: 'MIT',
    ...IMAGENET,
  },
]

import type { GraphBuilder } from '../graph-builder.ts'
import type { Layer } from '../layer-graph.ts'
import { padded, POOLS, relu, withTop, type Architecture } from './application.ts'
import { IMAGENET, kerasKernels, type BaseModel, type Digests } from './record.ts'

/** Channels that each block adds. */
const GROWTH = 32

/**
 * Huang et al. 2017, arXiv 1608.06993; layers and names of keras/src/applications/densenet.py. `depths`: blocks in each
 * of the four dense stages.
 */
function denseNet(name: string, depths: readonly number[]): Architecture {
  return (g, input, options) => {
    const first = { filters: 64, kernelSize: [7, 7], strides: [2, 2], useBias: false } as const
    let x = g.layer('Conv2D', padded(g, input, 3), first, 'conv1_conv')
    x = activated(g, x, 'conv1_bn', 'conv1_relu')
    x = g.layer('MaxPooling2D', padded(g, x, 1), { poolSize: [3, 3], strides: [2, 2] }, 'pool1')
    depths.forEach((depth, index) => {
      if (index > 0) x = transition(g, x, `pool${index + 1}`)
      for (let i = 1; i <= depth; i += 1) x = block(g, x, `conv${index + 2}_block${i}`)
    })
    x = activated(g, x, 'bn', 'relu')
    return { name, output: withTop(g, x, options, POOLS) }
  }
}

function block(g: GraphBuilder, input: Layer, name: string): Layer {
  let x = activated(g, input, `${name}_0_bn`, `${name}_0_relu`)
  x = pointwise(g, x, 4 * GROWTH, `${name}_1_conv`)
  x = activated(g, x, `${name}_1_bn`, `${name}_1_relu`)
  const window = { filters: GROWTH, kernelSize: [3, 3], padding: 'same', useBias: false } as const
  x = g.layer('Conv2D', x, window, `${name}_2_conv`)
  return g.layer('Concatenate', [input, x], {}, `${name}_concat`)
}

/** Half the channels, half the size. */
function transition(g: GraphBuilder, input: Layer, name: string): Layer {
  let x = activated(g, input, `${name}_bn`, `${name}_relu`)
  x = pointwise(g, x, Math.floor(x.outputShape[2]! / 2), `${name}_conv`)
  return g.layer('AveragePooling2D', x, { poolSize: [2, 2], strides: [2, 2] }, `${name}_pool`)
}

function activated(g: GraphBuilder, x: Layer, normalization: string, activation: string): Layer {
  const normalized = g.layer('BatchNormalization', x, { epsilon: 1.001e-5 }, normalization)
  return relu(g, normalized, activation)
}

function pointwise(g: GraphBuilder, x: Layer, filters: number, name: string): Layer {
  return g.layer('Conv2D', x, { filters, kernelSize: [1, 1], useBias: false }, name)
}

function record(name: string, depths: readonly number[], digests: Digests): BaseModel {
  const id = name.toLowerCase()
  return {
    name,
    family: 'DenseNet',
    architecture: denseNet(id, depths),
    inputSize: 224,
    minSize: 32,
    preprocessing: { mode: 'torch' },
    rescalesInside: false,
    weights: kerasKernels(`densenet/${id}`, digests),
    licence: 'BSD-3-Clause',
    ...IMAGENET,
  }
}

export const DENSENET: readonly BaseModel[] = [
  record(
    'DenseNet121',
    [6, 12, 24, 16],
    ['9d60b8095a5708f2dcce2bca79d332c7', '30ee3e1110167f948a6b9946edeeb738'],
  ),
  record(
    'DenseNet169',
    [6, 12, 32, 32],
    ['d699b8f76981ab1b30698df4c175e90b', 'b8c4d4c20dd625c148057b9ff1c1176b'],
  ),
  record(
    'DenseNet201',
    [6, 12, 48, 32],
    ['1ceb130c1ea1b78c3bf6114dbdfd8807', 'c13680b51ded0fb44dff2d8f86ac8bb1'],
  ),
]

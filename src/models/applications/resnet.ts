import type { GraphBuilder } from '../graph-builder.ts'
import type { Layer } from '../layer-graph.ts'
import { padded, POOLS, relu, withTop, type Architecture } from './application.ts'
import { IMAGENET, kerasKernels, type BaseModel, type Digests } from './record.ts'

/** Filters within the blocks of the stages conv2 to conv5; a block gives four times as many. */
const FILTERS = [64, 128, 256, 512] as const

/**
 * He et al. 2015, arXiv 1512.03385; layers and names of keras/src/applications/resnet.py. `depths`: blocks in each
 * stage.
 */
function resNet(name: string, depths: readonly number[]): Architecture {
  return (g, input, options) => {
    let x = stem(g, input)
    x = relu(g, normalized(g, x, 'conv1_bn'), 'conv1_relu')
    x = firstPool(g, x)
    FILTERS.forEach((filters, index) => {
      const stage = `conv${index + 2}`
      for (let i = 1; i <= depths[index]!; i += 1) {
        // the stage's first block takes the step to its size and width
        const stride = i === 1 && index > 0 ? 2 : 1
        x = block(g, x, { name: `${stage}_block${i}`, filters, stride, projects: i === 1 })
      }
    })
    return { name, output: withTop(g, x, options, POOLS) }
  }
}

/**
 * He et al. 2016, arXiv 1603.05027: batch normalization and activation before each convolution; layers and names of
 * keras/src/applications/resnet_v2.py.
 */
function resNetV2(name: string, depths: readonly number[]): Architecture {
  return (g, input, options) => {
    let x = firstPool(g, stem(g, input))
    FILTERS.forEach((filters, index) => {
      const stage = `conv${index + 2}`
      const last = depths[index]!
      for (let i = 1; i <= last; i += 1) {
        // here the stage's last block takes the step to the next one's size
        const stride = i === last && index < 3 ? 2 : 1
        x = blockV2(g, x, { name: `${stage}_block${i}`, filters, stride, projects: i === 1 })
      }
    })
    x = relu(g, normalized(g, x, 'post_bn'), 'post_relu')
    return { name, output: withTop(g, x, options, POOLS) }
  }
}

interface Block {
  readonly name: string
  readonly filters: number
  readonly stride: 1 | 2
  /** The shortcut is a convolution. */
  readonly projects: boolean
}

function block(g: GraphBuilder, input: Layer, { name, filters, stride, projects }: Block): Layer {
  const strided = { kernel: 1, stride }
  const shortcut = projects
    ? normalized(
        g,
        convolved(g, input, { filters: 4 * filters, ...strided }, `${name}_0_conv`),
        `${name}_0_bn`,
      )
    : input
  let x = convolved(g, input, { filters, ...strided }, `${name}_1_conv`)
  x = relu(g, normalized(g, x, `${name}_1_bn`), `${name}_1_relu`)
  x = convolved(g, x, { filters, kernel: 3, padding: 'same' }, `${name}_2_conv`)
  x = relu(g, normalized(g, x, `${name}_2_bn`), `${name}_2_relu`)
  x = convolved(g, x, { filters: 4 * filters, kernel: 1 }, `${name}_3_conv`)
  x = normalized(g, x, `${name}_3_bn`)
  return relu(g, g.layer('Add', [shortcut, x], {}, `${name}_add`), `${name}_out`)
}

function blockV2(g: GraphBuilder, input: Layer, { name, filters, stride, projects }: Block): Layer {
  const before = relu(g, normalized(g, input, `${name}_preact_bn`), `${name}_preact_relu`)
  let shortcut = input
  if (projects) {
    const step = { filters: 4 * filters, kernel: 1, stride }
    shortcut = convolved(g, before, step, `${name}_0_conv`)
  } else if (stride > 1) {
    shortcut = g.layer('MaxPooling2D', input, { poolSize: [1, 1], strides: [stride, stride] })
  }
  let x = convolved(g, before, { filters, kernel: 1, useBias: false }, `${name}_1_conv`)
  x = relu(g, normalized(g, x, `${name}_1_bn`), `${name}_1_relu`)
  x = padded(g, x, 1, `${name}_2_pad`)
  x = convolved(g, x, { filters, kernel: 3, stride, useBias: false }, `${name}_2_conv`)
  x = relu(g, normalized(g, x, `${name}_2_bn`), `${name}_2_relu`)
  x = convolved(g, x, { filters: 4 * filters, kernel: 1 }, `${name}_3_conv`)
  return g.layer('Add', [shortcut, x], {}, `${name}_out`)
}

function stem(g: GraphBuilder, input: Layer): Layer {
  const x = padded(g, input, 3, 'conv1_pad')
  return convolved(g, x, { filters: 64, kernel: 7, stride: 2 }, 'conv1_conv')
}

function firstPool(g: GraphBuilder, x: Layer): Layer {
  const pool = { poolSize: [3, 3], strides: [2, 2] } as const
  return g.layer('MaxPooling2D', padded(g, x, 1, 'pool1_pad'), pool, 'pool1_pool')
}

interface Convolution {
  readonly filters: number
  readonly kernel: number
  readonly stride?: 1 | 2
  readonly padding?: 'same' | 'valid'
  readonly useBias?: boolean
}

function convolved(g: GraphBuilder, x: Layer, settings: Convolution, name: string): Layer {
  const { filters, kernel, stride = 1, padding = 'valid', useBias = true } = settings
  const window = { kernelSize: [kernel, kernel], strides: [stride, stride] } as const
  return g.layer('Conv2D', x, { filters, ...window, padding, useBias }, name)
}

function normalized(g: GraphBuilder, x: Layer, name: string): Layer {
  return g.layer('BatchNormalization', x, { epsilon: 1.001e-5 }, name)
}

const SETTINGS = { inputSize: 224, minSize: 32, rescalesInside: false, ...IMAGENET } as const

function v1(name: string, depths: readonly number[], digests: Digests): BaseModel {
  const id = name.toLowerCase()
  return {
    name,
    family: 'ResNet',
    architecture: resNet(id, depths),
    preprocessing: { mode: 'caffe' },
    weights: kerasKernels(`resnet/${id}`, digests),
    licence: 'MIT',
    ...SETTINGS,
  }
}

function v2(name: string, depths: readonly number[], digests: Digests): BaseModel {
  const id = name.toLowerCase()
  return {
    name,
    family: 'ResNetV2',
    architecture: resNetV2(id, depths),
    preprocessing: { mode: 'tf' },
    weights: kerasKernels(`resnet/${id}`, digests),
    licence: 'BSD-3-Clause',
    ...SETTINGS,
  }
}

export const RESNET: readonly BaseModel[] = [
  v1(
    'ResNet50',
    [3, 4, 6, 3],
    ['2cb95161c43110f7111970584f804107', '4d473c1dd8becc155b73f8504c6f6626'],
  ),
  v1(
    'ResNet101',
    [3, 4, 23, 3],
    ['f1aeb4b969a6efcfb50fad2f0c20cfc5', '88cf7a10940856eca736dc7b7e228a21'],
  ),
  v1(
    'ResNet152',
    [3, 8, 36, 3],
    ['100835be76be38e30d865e96f2aaae62', 'ee4c566cf9a93f14d82f913c2dc6dd0c'],
  ),
  v2(
    'ResNet50V2',
    [3, 4, 6, 3],
    ['3ef43a0b657b3be2300d5770ece849e0', 'fac2f116257151a9d068a22e544a4917'],
  ),
  v2(
    'ResNet101V2',
    [3, 4, 23, 3],
    ['6343647c601c52e1368623803854d971', 'c0ed64b8031c3730f411d2eb4eea35b5'],
  ),
  v2(
    'ResNet152V2',
    [3, 8, 36, 3],
    ['a49b44d1979771252814e80f8ec446f9', 'ed17cf2e0169df9d443503ef94b23b33'],
  ),
]

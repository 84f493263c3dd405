import type { GraphBuilder } from '../graph-builder.ts'
import type { Layer } from '../layer-graph.ts'
import { relu, withTop, type Architecture } from './application.ts'
import { averaged, convolved, reduced, stem } from './inception.ts'
import { IMAGENET, kerasKernels, type BaseModel } from './record.ts'

/** Szegedy et al. 2016, arXiv 1602.07261; layers and names of keras/src/applications/inception_resnet_v2.py. */
const inceptionResNetV2: Architecture = (g, input, options) => {
  let x = mixed35(g, stem(g, input))
  for (let i = 1; i <= 10; i += 1) x = residual(g, x, block35, 0.17, `block35_${i}`)
  x = reduction17(g, x)
  for (let i = 1; i <= 20; i += 1) x = residual(g, x, block17, 0.1, `block17_${i}`)
  x = reduction8(g, x)
  for (let i = 1; i <= 9; i += 1) x = residual(g, x, block8, 0.2, `block8_${i}`)
  x = scaled(g, x, block8, 1, 'block8_10')
  x = convolved(g, x, 1536, 1, 'same', 'conv_7b')
  return { name: 'inception_resnet_v2', output: withTop(g, x, options, { top: 'avg_pool' }) }
}

type Branches = (g: GraphBuilder, x: Layer) => readonly Layer[]

const block35: Branches = (g, x) => {
  const one = convolved(g, x, 32, 1)
  const three = convolved(g, convolved(g, x, 32, 1), 32, 3)
  const twice = convolved(g, convolved(g, convolved(g, x, 32, 1), 48, 3), 64, 3)
  return [one, three, twice]
}

const block17: Branches = (g, x) => {
  const one = convolved(g, x, 192, 1)
  const seven = convolved(g, convolved(g, x, 128, 1), 160, [1, 7])
  return [one, convolved(g, seven, 192, [7, 1])]
}

const block8: Branches = (g, x) => {
  const one = convolved(g, x, 192, 1)
  const three = convolved(g, convolved(g, x, 192, 1), 224, [1, 3])
  return [one, convolved(g, three, 256, [3, 1])]
}

function residual(g: GraphBuilder, x: Layer, branches: Branches, scale: number, name: string) {
  return relu(g, scaled(g, x, branches, scale, name), `${name}_ac`)
}

/** The branches, brought to the input's width and scaled, added to it. */
function scaled(g: GraphBuilder, x: Layer, branches: Branches, scale: number, name: string): Layer {
  const mixed = g.layer('Concatenate', branches(g, x), {}, `${name}_mixed`)
  const widen = { filters: x.outputShape[2]!, kernelSize: [1, 1], padding: 'same' } as const
  const up = g.layer('Conv2D', mixed, widen, `${name}_conv`)
  return g.layer('CustomScaleLayer', [x, up], { scale })
}

function mixed35(g: GraphBuilder, x: Layer): Layer {
  const one = convolved(g, x, 96, 1)
  const five = convolved(g, convolved(g, x, 48, 1), 64, 5)
  const three = convolved(g, convolved(g, convolved(g, x, 64, 1), 96, 3), 96, 3)
  const pool = convolved(g, averaged(g, x), 64, 1)
  return g.layer('Concatenate', [one, five, three, pool], {}, 'mixed_5b')
}

function reduction17(g: GraphBuilder, x: Layer): Layer {
  const once = convolved(g, x, 384, 3, 'halved')
  const twice = convolved(g, convolved(g, convolved(g, x, 256, 1), 256, 3), 384, 3, 'halved')
  return g.layer('Concatenate', [once, twice, reduced(g, x)], {}, 'mixed_6a')
}

function reduction8(g: GraphBuilder, x: Layer): Layer {
  const first = convolved(g, convolved(g, x, 256, 1), 384, 3, 'halved')
  const second = convolved(g, convolved(g, x, 256, 1), 288, 3, 'halved')
  const third = convolved(g, convolved(g, convolved(g, x, 256, 1), 288, 3), 320, 3, 'halved')
  return g.layer('Concatenate', [first, second, third, reduced(g, x)], {}, 'mixed_7a')
}

export const INCEPTION_RESNET_V2: readonly BaseModel[] = [
  {
    name: 'InceptionResNetV2',
    family: 'Inception',
    architecture: inceptionResNetV2,
    inputSize: 299,
    minSize: 75,
    preprocessing: { mode: 'tf' },
    rescalesInside: false,
    weights: kerasKernels('inception_resnet_v2/inception_resnet_v2', [
      'e693bd0210a403b3192acc6073ad2e96',
      'd19885ff4a710c122648d3b5c3b684e4',
    ]),
    licence: 'Apache-2.0',
    ...IMAGENET,
  },
]

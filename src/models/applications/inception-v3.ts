import type { GraphBuilder } from '../graph-builder.ts'
import type { Layer } from '../layer-graph.ts'
import { withTop, type Architecture } from './application.ts'
import { averaged, convolved, reduced, stem } from './inception.ts'
import { IMAGENET, kerasKernels, type BaseModel } from './record.ts'

/**
 * Szegedy et al. 2015, arXiv 1512.00567; layers and names of keras/src/applications/inception_v3.py. Most layers are
 * named automatically, so branches are built in the order of Keras' calls.
 */
const inceptionV3: Architecture = (g, input, options) => {
  let x = stem(g, input)
  for (const [index, pooled] of [32, 64, 64].entries()) x = mixed35(g, x, pooled, `mixed${index}`)
  x = reduction17(g, x)
  for (const [index, width] of [128, 160, 160, 192].entries()) {
    x = mixed17(g, x, width, `mixed${4 + index}`)
  }
  x = reduction8(g, x)
  for (const index of [0, 1]) x = mixed8(g, x, index)
  return { name: 'inception_v3', output: withTop(g, x, options, { top: 'avg_pool' }) }
}

/** At 35 x 35 for pictures of 299: windows of 1, of 5, of twice 3, and a pool. */
function mixed35(g: GraphBuilder, x: Layer, pooled: number, name: string): Layer {
  const one = convolved(g, x, 64, 1)
  const five = convolved(g, convolved(g, x, 48, 1), 64, 5)
  const three = convolved(g, convolved(g, convolved(g, x, 64, 1), 96, 3), 96, 3)
  const pool = convolved(g, averaged(g, x), pooled, 1)
  return g.layer('Concatenate', [one, five, three, pool], {}, name)
}

/** From 35 x 35 to 17 x 17. */
function reduction17(g: GraphBuilder, x: Layer): Layer {
  const once = convolved(g, x, 384, 3, 'halved')
  const twice = convolved(g, convolved(g, convolved(g, x, 64, 1), 96, 3), 96, 3, 'halved')
  return g.layer('Concatenate', [once, twice, reduced(g, x)], {}, 'mixed3')
}

/** Windows of 7 as rows and columns. */
function mixed17(g: GraphBuilder, x: Layer, width: number, name: string): Layer {
  const row = [1, 7] as const
  const column = [7, 1] as const
  const one = convolved(g, x, 192, 1)
  let seven = convolved(g, x, width, 1)
  seven = convolved(g, convolved(g, seven, width, row), 192, column)
  let twice = convolved(g, x, width, 1)
  for (const window of [column, row, column]) twice = convolved(g, twice, width, window)
  twice = convolved(g, twice, 192, row)
  const pool = convolved(g, averaged(g, x), 192, 1)
  return g.layer('Concatenate', [one, seven, twice, pool], {}, name)
}

/** From 17 x 17 to 8 x 8. */
function reduction8(g: GraphBuilder, x: Layer): Layer {
  const three = convolved(g, convolved(g, x, 192, 1), 320, 3, 'halved')
  let seven = convolved(g, x, 192, 1)
  seven = convolved(g, convolved(g, seven, 192, [1, 7]), 192, [7, 1])
  seven = convolved(g, seven, 192, 3, 'halved')
  return g.layer('Concatenate', [three, seven, reduced(g, x)], {}, 'mixed8')
}

function mixed8(g: GraphBuilder, x: Layer, index: number): Layer {
  const split = (y: Layer) => [convolved(g, y, 384, [1, 3]), convolved(g, y, 384, [3, 1])]
  const one = convolved(g, x, 320, 1)
  const first = split(convolved(g, x, 384, 1))
  const three = g.layer('Concatenate', first, {}, `mixed9_${index}`)
  const second = split(convolved(g, convolved(g, x, 448, 1), 384, 3))
  const twice = g.layer('Concatenate', second, {})
  const pool = convolved(g, averaged(g, x), 192, 1)
  return g.layer('Concatenate', [one, three, twice, pool], {}, `mixed${9 + index}`)
}

export const INCEPTION_V3: readonly BaseModel[] = [
  {
    name: 'InceptionV3',
    family: 'Inception',
    architecture: inceptionV3,
    inputSize: 299,
    minSize: 75,
    preprocessing: { mode: 'tf' },
    rescalesInside: false,
    weights: kerasKernels('inception_v3/inception_v3', [
      '9a0d58056eeedaa3f26cb7ebd46da564',
      'bcbd6486424b2319ff4ef7d526e38f63',
    ]),
    licence: 'Apache-2.0',
    ...IMAGENET,
  },
]

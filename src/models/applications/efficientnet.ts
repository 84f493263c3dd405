import type { GraphBuilder } from '../graph-builder.ts'
import type { Layer } from '../layer-graph.ts'
import { roundFilters, stridedPadding, withTop, type Architecture } from './application.ts'
import {
  blockName,
  CLASSIFIER,
  convolved,
  convolvedByChannel,
  squeezeExcited,
  withResidual,
} from './efficientnet-parts.ts'
import { IMAGENET, type BaseModel } from './record.ts'

/** Stages of B0: repeats, expansion, stride of the first repeat, kernel size, filters in and out. */
const STAGES = [
  [1, 1, 1, 3, 32, 16],
  [2, 6, 2, 3, 16, 24],
  [2, 6, 2, 5, 24, 40],
  [3, 6, 2, 3, 40, 80],
  [3, 6, 1, 5, 80, 112],
  [4, 6, 2, 5, 112, 192],
  [1, 6, 1, 3, 192, 320],
] as const

/** Of the residuals: the last one's rate, nearly. */
const DROP_CONNECT = 0.2

/** Of the colours of ImageNet, in 0..1. */
const DEVIATIONS = [0.229, 0.224, 0.225]

interface Scaling {
  readonly width: number
  readonly depth: number
  /** Height and width that it was trained at. */
  readonly size: number
  /** Before the classes. */
  readonly dropout: number
  /** md5 of the files with the top and without. */
  readonly digests: readonly [string, string]
}

const B: readonly Scaling[] = [
  {
    width: 1,
    depth: 1,
    size: 224,
    dropout: 0.2,
    digests: ['902e53a9f72be733fc0bcb005b3ebbac', '50bc09e76180e00e4465e1a485ddc09d'],
  },
  {
    width: 1,
    depth: 1.1,
    size: 240,
    dropout: 0.2,
    digests: ['1d254153d4ab51201f1646940f018540', '74c4e6b3e1f6a1eea24c589628592432'],
  },
  {
    width: 1.1,
    depth: 1.2,
    size: 260,
    dropout: 0.3,
    digests: ['b15cce36ff4dcbd00b6dd88e7857a6ad', '111f8e2ac8aa800a7a99e3239f7bfb39'],
  },
  {
    width: 1.2,
    depth: 1.4,
    size: 300,
    dropout: 0.3,
    digests: ['ffd1fdc53d0ce67064dc6a9c7960ede0', 'af6d107764bb5b1abb91932881670226'],
  },
  {
    width: 1.4,
    depth: 1.8,
    size: 380,
    dropout: 0.4,
    digests: ['18c95ad55216b8f92d7e70b3a046e2fc', 'ebc24e6d6c33eaebbd558eafbeedf1ba'],
  },
  {
    width: 1.6,
    depth: 2.2,
    size: 456,
    dropout: 0.4,
    digests: ['ace28f2a6363774853a83a0b21b9421a', '38879255a25d3c92d5e44e04ae6cec6f'],
  },
  {
    width: 1.8,
    depth: 2.6,
    size: 528,
    dropout: 0.5,
    digests: ['165f6e37dce68623721b423839de8be5', '9ecce42647a20130c1f39a5d4cb75743'],
  },
  {
    width: 2,
    depth: 3.1,
    size: 600,
    dropout: 0.5,
    digests: ['8c03f828fec3ef71311cd463b6759d99', 'cbcfe4450ddf6f3ad90b1b398090fe4a'],
  },
]

/** Tan and Le 2019, arXiv 1905.11946; layers and names of keras/src/applications/efficientnet.py. */
function efficientNet(name: string, { width, depth, dropout }: Scaling): Architecture {
  return (g, input, options) => {
    const filtersOf = (filters: number) => roundFilters(filters * width)
    const repeatsOf = (repeats: number) => Math.ceil(depth * repeats)
    let x = normalizedColours(g, input, options.imagenet)
    x = g.layer('ZeroPadding2D', x, { padding: stridedPadding(x, 3) }, 'stem_conv_pad')
    const stem = { filters: filtersOf(32), kernel: 3, stride: 2, padding: 'valid' } as const
    x = activated(g, convolved(g, x, stem, 'stem_conv'), 'stem_')
    const blocks = STAGES.reduce((sum, [repeats]) => sum + repeatsOf(repeats), 0)
    let done = 0
    STAGES.forEach(([repeats, expansion, stride, kernel, filtersIn, filtersOut], stage) => {
      for (let repeat = 0; repeat < repeatsOf(repeats); repeat += 1) {
        x = block(g, x, {
          name: blockName(stage, repeat),
          expansion,
          kernel,
          stride: repeat === 0 ? stride : 1,
          filtersIn: filtersOf(repeat === 0 ? filtersIn : filtersOut),
          filters: filtersOf(filtersOut),
          drop: (DROP_CONNECT * done) / blocks,
        })
        done += 1
      }
    })
    x = convolved(g, x, { filters: filtersOf(1280), kernel: 1, stride: 1 }, 'top_conv')
    x = activated(g, x, 'top_')
    const names = { average: 'avg_pool', max: 'max_pool', kernelInitializer: CLASSIFIER, dropout }
    return { name, output: withTop(g, x, options, names) }
  }
}

/**
 * Pixels 0..255 as the weights want them. Those of ImageNet were trained on colours divided by their variance, and the layer
 * divides by the deviation: Keras makes up for that by one layer more, built for these weights alone.
 */
function normalizedColours(g: GraphBuilder, input: Layer, imagenet: boolean): Layer {
  const x = g.layer('Normalization', g.layer('Rescaling', input, { scale: 1 / 255 }), {})
  if (!imagenet) return x
  return g.layer('Rescaling', x, { scale: DEVIATIONS.map((d) => 1 / Math.sqrt(d)) })
}

interface Block {
  readonly name: string
  readonly expansion: number
  readonly kernel: number
  readonly stride: 1 | 2
  readonly filtersIn: number
  readonly filters: number
  readonly drop: number
}

function block(g: GraphBuilder, input: Layer, a: Block): Layer {
  const { name, expansion, kernel, stride, filtersIn, filters } = a
  let x = input
  if (expansion > 1) {
    const wide = { filters: filtersIn * expansion, kernel: 1, stride: 1 }
    x = activated(g, convolved(g, x, wide, `${name}expand_conv`), `${name}expand_`)
  }
  if (stride === 2) {
    x = g.layer('ZeroPadding2D', x, { padding: stridedPadding(x, kernel) }, `${name}dwconv_pad`)
  }
  const padding = stride === 2 ? 'valid' : 'same'
  x = convolvedByChannel(g, x, { kernel, stride, padding }, `${name}dwconv`)
  x = activated(g, x, name)
  x = squeezeExcited(g, x, Math.max(1, Math.trunc(filtersIn / 4)), name)
  x = convolved(g, x, { filters, kernel: 1, stride: 1 }, `${name}project_conv`)
  x = g.layer('BatchNormalization', x, {}, `${name}project_bn`)
  return stride === 1 && filtersIn === filters ? withResidual(g, x, input, a.drop, name) : x
}

function activated(g: GraphBuilder, x: Layer, prefix: string): Layer {
  const normalized = g.layer('BatchNormalization', x, {}, `${prefix}bn`)
  return g.layer('Activation', normalized, { activation: 'silu' }, `${prefix}activation`)
}

export const EFFICIENTNET: readonly BaseModel[] = B.map((scaling, i) => ({
  name: `EfficientNetB${i}`,
  family: 'EfficientNet',
  architecture: efficientNet(`efficientnetb${i}`, scaling),
  inputSize: scaling.size,
  minSize: 32,
  preprocessing: { mode: 'none' },
  rescalesInside: true,
  differsForImagenet: true,
  weights: ({ includeTop }) => ({
    url: `https://storage.googleapis.com/keras-applications/efficientnetb${i}${includeTop ? '' : '_notop'}.h5`,
    md5: scaling.digests[includeTop ? 0 : 1],
    format: 'keras-h5',
  }),
  licence: 'Apache-2.0',
  ...IMAGENET,
}))

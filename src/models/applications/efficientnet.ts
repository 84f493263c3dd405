import type { GraphBuilder } from '../graph-builder.ts'
import type { Layer } from '../layer-graph.ts'
import { POOLS, roundFilters, stridedPadding, withTop, type Architecture } from './application.ts'
import {
  activated,
  blockName,
  CLASSIFIER,
  convolved,
  convolvedByChannel,
  projected,
  type Block,
} from './efficientnet-parts.ts'
import { IMAGENET, type BaseModel, type Digests } from './record.ts'

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

const SILU = { activation: 'silu', momentum: 0.99 } as const

/** Of the colours of ImageNet, in 0..1. */
const DEVIATIONS = [0.229, 0.224, 0.225]

/** B0 to B7: width, depth, the size they were trained at, dropout before the classes, md5 of the files. */
const SCALINGS: readonly (readonly [number, number, number, number, ...Digests])[] = [
  [1, 1, 224, 0.2, '902e53a9f72be733fc0bcb005b3ebbac', '50bc09e76180e00e4465e1a485ddc09d'],
  [1, 1.1, 240, 0.2, '1d254153d4ab51201f1646940f018540', '74c4e6b3e1f6a1eea24c589628592432'],
  [1.1, 1.2, 260, 0.3, 'b15cce36ff4dcbd00b6dd88e7857a6ad', '111f8e2ac8aa800a7a99e3239f7bfb39'],
  [1.2, 1.4, 300, 0.3, 'ffd1fdc53d0ce67064dc6a9c7960ede0', 'af6d107764bb5b1abb91932881670226'],
  [1.4, 1.8, 380, 0.4, '18c95ad55216b8f92d7e70b3a046e2fc', 'ebc24e6d6c33eaebbd558eafbeedf1ba'],
  [1.6, 2.2, 456, 0.4, 'ace28f2a6363774853a83a0b21b9421a', '38879255a25d3c92d5e44e04ae6cec6f'],
  [1.8, 2.6, 528, 0.5, '165f6e37dce68623721b423839de8be5', '9ecce42647a20130c1f39a5d4cb75743'],
  [2, 3.1, 600, 0.5, '8c03f828fec3ef71311cd463b6759d99', 'cbcfe4450ddf6f3ad90b1b398090fe4a'],
]

/** Tan and Le 2019, arXiv 1905.11946; layers and names of keras/src/applications/efficientnet.py. */
function efficientNet(name: string, width: number, depth: number, dropout: number): Architecture {
  return (g, input, options) => {
    const filtersOf = (filters: number) => roundFilters(filters * width)
    const repeatsOf = (repeats: number) => Math.ceil(depth * repeats)
    let x = normalizedColours(g, input, options.imagenet)
    x = g.layer('ZeroPadding2D', x, { padding: stridedPadding(x, 3) }, 'stem_conv_pad')
    const stem = { filters: filtersOf(32), kernel: 3, stride: 2, padding: 'valid' } as const
    x = activated(g, convolved(g, x, stem, 'stem_conv'), 'stem_', SILU)
    const blocks = STAGES.reduce((sum, [repeats]) => sum + repeatsOf(repeats), 0)
    let done = 0
    STAGES.forEach(([repeats, expansion, stride, kernel, filtersIn, filtersOut], stage) => {
      for (let repeat = 0; repeat < repeatsOf(repeats); repeat += 1) {
        x = block(g, x, kernel, {
          name: blockName(stage, repeat),
          expansion,
          stride: repeat === 0 ? stride : 1,
          filtersIn: filtersOf(repeat === 0 ? filtersIn : filtersOut),
          filters: filtersOf(filtersOut),
          drop: (DROP_CONNECT * done) / blocks,
        })
        done += 1
      }
    })
    x = convolved(g, x, { filters: filtersOf(1280), kernel: 1, stride: 1 }, 'top_conv')
    x = activated(g, x, 'top_', SILU)
    const names = { ...POOLS, kernelInitializer: CLASSIFIER, dropout }
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

function block(g: GraphBuilder, input: Layer, kernel: number, a: Block): Layer {
  const { name, expansion, stride, filtersIn } = a
  let x = input
  if (expansion > 1) {
    const wide = { filters: filtersIn * expansion, kernel: 1, stride: 1 }
    x = activated(g, convolved(g, x, wide, `${name}expand_conv`), `${name}expand_`, SILU)
  }
  if (stride === 2) {
    x = g.layer('ZeroPadding2D', x, { padding: stridedPadding(x, kernel) }, `${name}dwconv_pad`)
  }
  const padding = stride === 2 ? 'valid' : 'same'
  x = convolvedByChannel(g, x, { kernel, stride, padding }, `${name}dwconv`)
  return projected(g, activated(g, x, name, SILU), input, a, { ...SILU, squeezed: true })
}

function record(
  i: number,
  [width, depth, inputSize, dropout, top, noTop]: (typeof SCALINGS)[number],
): BaseModel {
  const id = `efficientnetb${i}`
  const file = `https://storage.googleapis.com/keras-applications/${id}`
  return {
    name: `EfficientNetB${i}`,
    family: 'EfficientNet',
    architecture: efficientNet(id, width, depth, dropout),
    inputSize,
    minSize: 32,
    preprocessing: { mode: 'none' },
    rescalesInside: true,
    differsForImagenet: true,
    weights: ({ includeTop }) =>
      includeTop
        ? { url: `${file}.h5`, md5: top, format: 'keras-h5' }
        : { url: `${file}_notop.h5`, md5: noTop, format: 'keras-h5' },
    licence: 'Apache-2.0',
    ...IMAGENET,
  }
}

export const EFFICIENTNET: readonly BaseModel[] = SCALINGS.map((scaling, i) => record(i, scaling))

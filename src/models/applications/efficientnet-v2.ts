import type { GraphBuilder } from '../graph-builder.ts'
import type { Layer } from '../layer-graph.ts'
import { withTop, type Architecture } from './application.ts'
import {
  blockName,
  CLASSIFIER,
  convolved,
  convolvedByChannel,
  squeezeExcited,
  withResidual,
} from './efficientnet-parts.ts'
import { IMAGENET, kerasFile, type BaseModel } from './record.ts'

/** Repeats, expansion, stride of the first repeat, filters in and out; `fused`: without a depthwise convolution and without squeezing. */
type Stage = readonly [number, number, 1 | 2, number, number, 'fused' | 'squeezed']

const STAGES: Readonly<Record<'b' | 's' | 'm' | 'l', readonly Stage[]>> = {
  b: [
    [1, 1, 1, 32, 16, 'fused'],
    [2, 4, 2, 16, 32, 'fused'],
    [2, 4, 2, 32, 48, 'fused'],
    [3, 4, 2, 48, 96, 'squeezed'],
    [5, 6, 1, 96, 112, 'squeezed'],
    [8, 6, 2, 112, 192, 'squeezed'],
  ],
  s: [
    [2, 1, 1, 24, 24, 'fused'],
    [4, 4, 2, 24, 48, 'fused'],
    [4, 4, 2, 48, 64, 'fused'],
    [6, 4, 2, 64, 128, 'squeezed'],
    [9, 6, 1, 128, 160, 'squeezed'],
    [15, 6, 2, 160, 256, 'squeezed'],
  ],
  m: [
    [3, 1, 1, 24, 24, 'fused'],
    [5, 4, 2, 24, 48, 'fused'],
    [5, 4, 2, 48, 80, 'fused'],
    [7, 4, 2, 80, 160, 'squeezed'],
    [14, 6, 1, 160, 176, 'squeezed'],
    [18, 6, 2, 176, 304, 'squeezed'],
    [5, 6, 1, 304, 512, 'squeezed'],
  ],
  l: [
    [4, 1, 1, 32, 32, 'fused'],
    [7, 4, 2, 32, 64, 'fused'],
    [7, 4, 2, 64, 96, 'fused'],
    [10, 4, 2, 96, 192, 'squeezed'],
    [19, 6, 1, 192, 224, 'squeezed'],
    [25, 6, 2, 224, 384, 'squeezed'],
    [7, 6, 1, 384, 640, 'squeezed'],
  ],
}

const DROPOUT = 0.2
const DROP_CONNECT = 0.2

interface Scaling {
  /** As files and Keras' models are called: `b0`, `s`. */
  readonly id: string
  readonly stages: readonly Stage[]
  readonly width: number
  readonly depth: number
  /** Height and width that it was trained at. */
  readonly size: number
  /** md5 of the files with the top and without. */
  readonly digests: readonly [string, string]
}

const SCALINGS: readonly Scaling[] = [
  {
    id: 'b0',
    stages: STAGES.b,
    width: 1,
    depth: 1,
    size: 224,
    digests: ['21ecbf6da12460d5c40bb2f29ceb2188', '893217f2bb855e2983157299931e43ff'],
  },
  {
    id: 'b1',
    stages: STAGES.b,
    width: 1,
    depth: 1.1,
    size: 240,
    digests: ['069f0534ff22adf035c89e2d9547a9dc', '0e80663031ca32d657f9caa404b6ec37'],
  },
  {
    id: 'b2',
    stages: STAGES.b,
    width: 1.1,
    depth: 1.2,
    size: 260,
    digests: ['424e49f28180edbde1e94797771950a7', '1dfe2e7a5d45b6632553a8961ea609eb'],
  },
  {
    id: 'b3',
    stages: STAGES.b,
    width: 1.2,
    depth: 1.4,
    size: 300,
    digests: ['1f1fc43bd98a6e4fd8fdfd551e02c7a0', 'f6abf7b5849ac99a89b50dd3fd532856'],
  },
  {
    id: 's',
    stages: STAGES.s,
    width: 1,
    depth: 1,
    size: 384,
    digests: ['e1d88a8495beba45748fedd0cecbe016', 'af0682fb74e8c54910f2d4393339c070'],
  },
  {
    id: 'm',
    stages: STAGES.m,
    width: 1,
    depth: 1,
    size: 480,
    digests: ['a3bf6aa3276309f4fc6a34aa114c95cd', '1b8dc055df72dde80d614482840fe342'],
  },
  {
    id: 'l',
    stages: STAGES.l,
    width: 1,
    depth: 1,
    size: 480,
    digests: ['27e6d408b53c7ebc868fefa357689935', 'b0b66b5c863aef5b46e8608fe1711615'],
  },
]

/** Tan and Le 2021, arXiv 2104.00298; layers and names of keras/src/applications/efficientnet_v2.py. */
function efficientNetV2({ id, stages, width, depth }: Scaling): Architecture {
  return (g, input, options) => {
    const filtersOf = (filters: number) => rounded(filters * width)
    const blocks = stages.reduce((sum, [repeats]) => sum + repeats, 0)
    const stem = { filters: filtersOf(stages[0]![3]), kernel: 3, stride: 2 }
    let x = convolved(g, normalizedColours(g, input, id), stem, 'stem_conv')
    x = activated(g, x, 'stem_')
    let done = 0
    stages.forEach(([repeats, expansion, stride, filtersIn, filtersOut, form], stage) => {
      for (let repeat = 0; repeat < Math.ceil(depth * repeats); repeat += 1) {
        x = BLOCKS[form](g, x, {
          name: blockName(stage, repeat),
          expansion,
          stride: repeat === 0 ? stride : 1,
          filtersIn: filtersOf(repeat === 0 ? filtersIn : filtersOut),
          filters: filtersOf(filtersOut),
          // Keras counts the blocks before they are multiplied: of the deeper ones the last go beyond the rate.
          drop: (DROP_CONNECT * done) / blocks,
        })
        done += 1
      }
    })
    x = convolved(g, x, { filters: filtersOf(1280), kernel: 1, stride: 1 }, 'top_conv')
    x = activated(g, x, 'top_')
    const names = {
      average: 'avg_pool',
      max: 'max_pool',
      kernelInitializer: CLASSIFIER,
      dropout: DROPOUT,
    }
    return { name: `efficientnetv2-${id}`, output: withTop(g, x, options, names) }
  }
}

/** The nearest multiple of eight, at least eight. */
function rounded(filters: number): number {
  return Math.max(8, Math.floor((filters + 4) / 8) * 8)
}

function normalizedColours(g: GraphBuilder, input: Layer, id: string): Layer {
  if (!id.startsWith('b')) return g.layer('Rescaling', input, { scale: 1 / 128, offset: -1 })
  return g.layer('Normalization', g.layer('Rescaling', input, { scale: 1 / 255 }), {
    mean: [0.485, 0.456, 0.406],
    variance: [0.229 ** 2, 0.224 ** 2, 0.225 ** 2],
  })
}

interface Block {
  readonly name: string
  readonly expansion: number
  readonly stride: 1 | 2
  readonly filtersIn: number
  readonly filters: number
  readonly drop: number
}

const BLOCKS = { fused, squeezed }

function squeezed(g: GraphBuilder, input: Layer, a: Block): Layer {
  const { name, expansion, stride, filtersIn, filters } = a
  const wide = { filters: filtersIn * expansion, kernel: 1, stride: 1 }
  let x = activated(g, convolved(g, input, wide, `${name}expand_conv`), `${name}expand_`)
  x = activated(g, convolvedByChannel(g, x, { kernel: 3, stride }, `${name}dwconv2`), name)
  x = squeezeExcited(g, x, Math.max(1, Math.trunc(filtersIn / 4)), name)
  x = convolved(g, x, { filters, kernel: 1, stride: 1 }, `${name}project_conv`)
  return ended(g, normalized(g, x, `${name}project_bn`), input, a)
}

function fused(g: GraphBuilder, input: Layer, a: Block): Layer {
  const { name, expansion, stride, filtersIn, filters } = a
  if (expansion === 1) {
    const x = convolved(g, input, { filters, kernel: 3, stride }, `${name}project_conv`)
    return ended(g, activated(g, x, `${name}project_`), input, a)
  }
  const wide = { filters: filtersIn * expansion, kernel: 3, stride }
  let x = activated(g, convolved(g, input, wide, `${name}expand_conv`), `${name}expand_`)
  x = convolved(g, x, { filters, kernel: 1, stride: 1 }, `${name}project_conv`)
  return ended(g, normalized(g, x, `${name}project_bn`), input, a)
}

function ended(g: GraphBuilder, x: Layer, input: Layer, a: Block): Layer {
  const residual = a.stride === 1 && a.filtersIn === a.filters
  return residual ? withResidual(g, x, input, a.drop, a.name) : x
}

function normalized(g: GraphBuilder, x: Layer, name: string): Layer {
  return g.layer('BatchNormalization', x, { momentum: 0.9 }, name)
}

function activated(g: GraphBuilder, x: Layer, prefix: string): Layer {
  const centred = normalized(g, x, `${prefix}bn`)
  return g.layer('Activation', centred, { activation: 'silu' }, `${prefix}activation`)
}

export const EFFICIENTNET_V2: readonly BaseModel[] = SCALINGS.map((scaling) => ({
  name: `EfficientNetV2${scaling.id.toUpperCase()}`,
  family: 'EfficientNetV2',
  architecture: efficientNetV2(scaling),
  inputSize: scaling.size,
  minSize: 32,
  preprocessing: { mode: 'none' },
  rescalesInside: true,
  weights: ({ includeTop }) =>
    kerasFile(
      `efficientnet_v2/efficientnetv2-${scaling.id}${includeTop ? '' : '_notop'}.h5`,
      scaling.digests[includeTop ? 0 : 1],
    ),
  licence: 'Apache-2.0',
  ...IMAGENET,
}))

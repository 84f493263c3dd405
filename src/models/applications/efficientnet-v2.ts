import type { GraphBuilder } from '../graph-builder.ts'
import type { Layer } from '../layer-graph.ts'
import { POOLS, withTop, type Architecture } from './application.ts'
import {
  activated,
  blockName,
  CLASSIFIER,
  convolved,
  convolvedByChannel,
  projected,
  withResidual,
  type Block,
} from './efficientnet-parts.ts'
import { IMAGENET, kerasPair, type BaseModel, type Digests } from './record.ts'

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

const SILU = { activation: 'silu', momentum: 0.9 } as const
const DROPOUT = 0.2
const DROP_CONNECT = 0.2

/** As files and Keras' models are called, width, depth, the size they were trained at, md5 of the files. */
const SCALINGS: readonly (readonly [string, number, number, number, ...Digests])[] = [
  ['b0', 1, 1, 224, '21ecbf6da12460d5c40bb2f29ceb2188', '893217f2bb855e2983157299931e43ff'],
  ['b1', 1, 1.1, 240, '069f0534ff22adf035c89e2d9547a9dc', '0e80663031ca32d657f9caa404b6ec37'],
  ['b2', 1.1, 1.2, 260, '424e49f28180edbde1e94797771950a7', '1dfe2e7a5d45b6632553a8961ea609eb'],
  ['b3', 1.2, 1.4, 300, '1f1fc43bd98a6e4fd8fdfd551e02c7a0', 'f6abf7b5849ac99a89b50dd3fd532856'],
  ['s', 1, 1, 384, 'e1d88a8495beba45748fedd0cecbe016', 'af0682fb74e8c54910f2d4393339c070'],
  ['m', 1, 1, 480, 'a3bf6aa3276309f4fc6a34aa114c95cd', '1b8dc055df72dde80d614482840fe342'],
  ['l', 1, 1, 480, '27e6d408b53c7ebc868fefa357689935', 'b0b66b5c863aef5b46e8608fe1711615'],
]

/** Tan and Le 2021, arXiv 2104.00298; layers and names of keras/src/applications/efficientnet_v2.py. */
function efficientNetV2(id: string, width: number, depth: number): Architecture {
  const stages = STAGES[id[0] as keyof typeof STAGES]
  return (g, input, options) => {
    const filtersOf = (filters: number) => rounded(filters * width)
    const blocks = stages.reduce((sum, [repeats]) => sum + repeats, 0)
    const stem = { filters: filtersOf(stages[0]![3]), kernel: 3, stride: 2 }
    let x = convolved(g, normalizedColours(g, input, id), stem, 'stem_conv')
    x = activated(g, x, 'stem_', SILU)
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
    x = activated(g, x, 'top_', SILU)
    const names = { ...POOLS, kernelInitializer: CLASSIFIER, dropout: DROPOUT }
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

const BLOCKS = { fused, squeezed }

/** The first convolution of a block. */
function expanded(g: GraphBuilder, x: Layer, a: Block, kernel: number, stride: 1 | 2): Layer {
  const wide = { filters: a.filtersIn * a.expansion, kernel, stride }
  return activated(g, convolved(g, x, wide, `${a.name}expand_conv`), `${a.name}expand_`, SILU)
}

function squeezed(g: GraphBuilder, input: Layer, a: Block): Layer {
  const wide = expanded(g, input, a, 1, 1)
  const window = { kernel: 3, stride: a.stride }
  const x = activated(g, convolvedByChannel(g, wide, window, `${a.name}dwconv2`), a.name, SILU)
  return projected(g, x, input, a, { ...SILU, squeezed: true })
}

function fused(g: GraphBuilder, input: Layer, a: Block): Layer {
  const { name, expansion, stride, filters } = a
  if (expansion > 1) {
    const x = expanded(g, input, a, 3, stride)
    return projected(g, x, input, a, { ...SILU, squeezed: false })
  }
  const x = convolved(g, input, { filters, kernel: 3, stride }, `${name}project_conv`)
  return withResidual(g, activated(g, x, `${name}project_`, SILU), input, a)
}

export const EFFICIENTNET_V2: readonly BaseModel[] = SCALINGS.map(
  ([id, width, depth, inputSize, ...digests]) => ({
    name: `EfficientNetV2${id.toUpperCase()}`,
    family: 'EfficientNetV2',
    architecture: efficientNetV2(id, width, depth),
    inputSize,
    minSize: 32,
    preprocessing: { mode: 'none' },
    rescalesInside: true,
    weights: kerasPair(`efficientnet_v2/efficientnetv2-${id}`, digests),
    licence: 'Apache-2.0',
    ...IMAGENET,
  }),
)

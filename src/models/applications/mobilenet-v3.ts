import type { GraphBuilder } from '../graph-builder.ts'
import type { Layer } from '../layer-graph.ts'
import {
  POOLS,
  roundFilters,
  stridedPadding,
  withPooling,
  type Architecture,
  type ArchitectureOptions,
} from './application.ts'
import { IMAGENET, kerasFile, type BaseModel } from './record.ts'

/** Expansion, filters before the width multiplier, kernel size, stride, whether it squeezes, activation. */
type Row = readonly [number, number, 3 | 5, 1 | 2, boolean, 'relu' | 'swish']

const SMALL: readonly Row[] = [
  [1, 16, 3, 2, true, 'relu'],
  [72 / 16, 24, 3, 2, false, 'relu'],
  [88 / 24, 24, 3, 1, false, 'relu'],
  [4, 40, 5, 2, true, 'swish'],
  [6, 40, 5, 1, true, 'swish'],
  [6, 40, 5, 1, true, 'swish'],
  [3, 48, 5, 1, true, 'swish'],
  [3, 48, 5, 1, true, 'swish'],
  [6, 96, 5, 2, true, 'swish'],
  [6, 96, 5, 1, true, 'swish'],
  [6, 96, 5, 1, true, 'swish'],
]
const LARGE: readonly Row[] = [
  [1, 16, 3, 1, false, 'relu'],
  [4, 24, 3, 2, false, 'relu'],
  [3, 24, 3, 1, false, 'relu'],
  [3, 40, 5, 2, true, 'relu'],
  [3, 40, 5, 1, true, 'relu'],
  [3, 40, 5, 1, true, 'relu'],
  [6, 80, 3, 2, false, 'swish'],
  [2.5, 80, 3, 1, false, 'swish'],
  [2.3, 80, 3, 1, false, 'swish'],
  [2.3, 80, 3, 1, false, 'swish'],
  [6, 112, 3, 1, true, 'swish'],
  [6, 112, 3, 1, true, 'swish'],
  [6, 160, 5, 2, true, 'swish'],
  [6, 160, 5, 1, true, 'swish'],
  [6, 160, 5, 1, true, 'swish'],
]

const DROPOUT = 0.2

/** Howard et al. 2019, arXiv 1905.02244; layers and names of keras/src/applications/mobilenet_v3.py. */
function mobileNetV3(name: string, rows: readonly Row[], lastFilters: number): Architecture {
  return (g, input, options) => {
    const { alpha, minimalistic } = options
    const build = new MobileNetV3(g, minimalistic)
    let x = g.layer('Rescaling', input, { scale: 1 / 127.5, offset: -1 })
    const stem = { filters: 16, kernelSize: [3, 3], strides: [2, 2] } as const
    x = g.layer('Conv2D', x, { ...stem, padding: 'same', useBias: false }, 'conv')
    x = build.activated(build.normalized(x, 'conv_bn'), 'swish')
    rows.forEach(([expansion, filters, kernel, stride, squeezes, activation], id) => {
      x = build.block(x, {
        prefix: id === 0 ? 'expanded_conv_' : `expanded_conv_${id}_`,
        expansion: id === 0 ? undefined : expansion,
        filters: roundFilters(filters * alpha),
        kernel: minimalistic ? 3 : kernel,
        stride,
        squeezes: squeezes && !minimalistic,
        activation,
      })
    })
    x = build.pointwise(x, roundFilters(x.outputShape[2]! * 6), 'conv_1')
    x = build.activated(build.normalized(x, 'conv_1_bn'), 'swish')
    const last = alpha > 1 ? roundFilters(lastFilters * alpha) : lastFilters
    return { name, output: top(build, x, last, options) }
  }
}

/** The classes by convolutions of one pixel; or the trunk, pooled if asked for. */
function top(build: MobileNetV3, x: Layer, filters: number, options: ArchitectureOptions): Layer {
  const { g } = build
  if (!options.includeTop) return withPooling(g, x, options, POOLS)
  const means = g.layer('GlobalAveragePooling2D', x, { keepDims: true })
  const features = build.activated(build.pointwise(means, filters, 'conv_2', true), 'swish')
  const dropped = g.layer('Dropout', features, { rate: DROPOUT })
  const logits = g.layer('Flatten', build.pointwise(dropped, options.classes, 'logits', true), {})
  return g.layer('Activation', logits, { activation: 'softmax' }, 'predictions')
}

interface Block {
  readonly prefix: string
  /** Undefined: no convolution before the depthwise one. */
  readonly expansion: number | undefined
  readonly filters: number
  readonly kernel: number
  readonly stride: 1 | 2
  readonly squeezes: boolean
  readonly activation: 'relu' | 'swish'
}

class MobileNetV3 {
  readonly g: GraphBuilder
  readonly #minimalistic: boolean
  /** Operations that Keras makes no layers of are counted all the same. */
  #sigmoids = 0

  constructor(g: GraphBuilder, minimalistic: boolean) {
    this.g = g
    this.#minimalistic = minimalistic
  }

  block(input: Layer, a: Block): Layer {
    const { prefix, expansion, filters, kernel, stride, activation } = a
    const channels = input.outputShape[2]!
    let x = input
    if (expansion !== undefined) {
      x = this.pointwise(x, roundFilters(channels * expansion), `${prefix}expand`)
      x = this.activated(this.normalized(x, `${prefix}expand_bn`), activation)
    }
    if (stride === 2) {
      const padding = stridedPadding(x, kernel)
      x = this.g.layer('ZeroPadding2D', x, { padding }, `${prefix}depthwise_pad`)
    }
    const window = { kernelSize: [kernel, kernel], strides: [stride, stride] } as const
    const padding = stride === 1 ? 'same' : 'valid'
    const depthwise = { ...window, padding, useBias: false } as const
    x = this.g.layer('DepthwiseConv2D', x, depthwise, `${prefix}depthwise`)
    x = this.activated(this.normalized(x, `${prefix}depthwise_bn`), activation)
    if (a.squeezes) x = this.#squeezeExcited(x, `${prefix}squeeze_excite_`)
    x = this.normalized(this.pointwise(x, filters, `${prefix}project`), `${prefix}project_bn`)
    const residual = stride === 1 && channels === filters
    return residual ? this.g.layer('Add', [input, x], {}, `${prefix}add`) : x
  }

  pointwise(x: Layer, filters: number, name: string, useBias = false): Layer {
    const settings = { filters, kernelSize: [1, 1], padding: 'same', useBias } as const
    return this.g.layer('Conv2D', x, settings, name)
  }

  normalized(x: Layer, name: string): Layer {
    return this.g.layer('BatchNormalization', x, { momentum: 0.999, epsilon: 1e-3 }, name)
  }

  activated(x: Layer, activation: 'relu' | 'swish'): Layer {
    return activation === 'relu' || this.#minimalistic
      ? this.g.layer('ReLU', x, {})
      : this.g.layer('Activation', x, { activation: 'hard_silu' })
  }

  #squeezeExcited(x: Layer, prefix: string): Layer {
    const channels = x.outputShape[2]!
    const pool = { keepDims: true }
    const means = this.g.layer('GlobalAveragePooling2D', x, pool, `${prefix}avg_pool`)
    const reduced = this.pointwise(means, roundFilters(channels / 4), `${prefix}conv`, true)
    const active = this.g.layer('ReLU', reduced, {}, `${prefix}relu`)
    const expanded = this.pointwise(active, channels, `${prefix}conv_1`, true)
    return this.g.layer('Multiply', [x, this.#hardSigmoid(expanded)], {}, `${prefix}mul`)
  }

  /** `ReLU(6)(x + 3) * (1 / 6)`, of which only the ReLU is a layer. */
  #hardSigmoid(x: Layer): Layer {
    const suffix = this.#sigmoids === 0 ? '' : `_${this.#sigmoids}`
    this.#sigmoids += 1
    const raised = this.g.operation('Rescaling', x, { scale: 1, offset: 3 }, `add${suffix}`)
    const clipped = this.g.layer('ReLU', raised, { maxValue: 6 })
    return this.g.operation('Rescaling', clipped, { scale: 1 / 6 }, `multiply${suffix}`)
  }
}

/** md5 with the top and without, by variant of the file's name. */
const DIGESTS: Readonly<Record<string, readonly [string, string]>> = {
  'large_224_0.75': ['765b44a33ad4005b3ac83185abf1d0eb', '40af19a13ebea4e2ee0c676887f69a2e'],
  'large_224_1.0': ['59e551e166be033d707958cf9e29a6a7', '07fb09a5933dd0c8eaafa16978110389'],
  'large_minimalistic_224_1.0': [
    '675e7b876c45c57e9e63e6d90a36599c',
    'ec5221f64a2f6d1ef965a614bdae7973',
  ],
  'small_224_0.75': ['cb65d4e5be93758266aa0a7f2c6708b7', 'ebdb5cc8e0b497cd13a7c275d475c819'],
  'small_224_1.0': ['8768d4c2e7dee89b9d02b2d03d65d862', 'd3e8ec802a04aa4fc771ee12a9a9b836'],
  'small_minimalistic_224_1.0': [
    '99cd97fb2fcdad2bf028eb838de69e37',
    'cde8136e733e811080d9fcd8a252f7e4',
  ],
}

function record(size: 'Small' | 'Large', rows: readonly Row[], lastFilters: number): BaseModel {
  const name = `MobileNetV3${size}`
  return {
    name,
    family: 'MobileNetV3',
    architecture: mobileNetV3(name, rows, lastFilters),
    inputSize: 224,
    minSize: 32,
    preprocessing: { mode: 'none' },
    rescalesInside: true,
    alphas: [0.75, 1],
    hasMinimalistic: true,
    weights: ({ includeTop, alpha, minimalistic }) => {
      const width = Number.isInteger(alpha) ? alpha.toFixed(1) : String(alpha)
      const variant = `${size.toLowerCase()}${minimalistic ? '_minimalistic' : ''}_224_${width}`
      const digests = DIGESTS[variant]
      if (!digests) return undefined
      const path = `mobilenet_v3/weights_mobilenet_v3_${variant}_float`
      return includeTop
        ? kerasFile(`${path}.h5`, digests[0])
        : kerasFile(`${path}_no_top_v2.h5`, digests[1])
    },
    licence: 'Apache-2.0',
    ...IMAGENET,
  }
}

export const MOBILENET_V3: readonly BaseModel[] = [
  record('Small', SMALL, 1024),
  record('Large', LARGE, 1280),
]

import type { GraphBuilder } from '../graph-builder.ts'
import type { InitializerConfig, Layer } from '../layer-graph.ts'
import { relu, stridedPadding, withTop, type Architecture } from './application.ts'
import { IMAGENET, kerasFile, type BaseModel } from './record.ts'

const HE: InitializerConfig = { name: 'HeNormal' }

/** Zoph et al. 2018, arXiv 1707.07012; layers and names of keras/src/applications/nasnet.py. */
function nasNet(
  name: string,
  { filters, blocks, stemFilters, skipsReduction }: NasNet,
): Architecture {
  return (g, input, options) => {
    const cell = new Cells(g)
    const stem = {
      filters: stemFilters,
      kernelSize: [3, 3],
      strides: [2, 2],
      useBias: false,
      kernelInitializer: HE,
    } as const
    let x = cell.normalize(g.layer('Conv2D', input, stem, 'stem_conv1'), 'stem_bn1')
    // the input of the cell before: every cell looks back two
    let previous: Layer | undefined
    const step = (build: typeof cell.normal, width: number, id: string) => {
      const output = build(x, previous, width, id)
      previous = x
      x = output
    }
    step(cell.reduction, filters / 4, 'stem_1')
    step(cell.reduction, filters / 2, 'stem_2')
    for (let group = 0; group < 3; group += 1) {
      const width = filters * 2 ** group
      if (group > 0) {
        const before = previous
        step(cell.reduction, width, `reduce_${group * blocks}`)
        if (skipsReduction) previous = before
      }
      // the numbers go on behind the reduction's
      const first = group * blocks + (group > 0 ? 1 : 0)
      for (let i = 0; i < blocks; i += 1) step(cell.normal, width, `${first + i}`)
    }
    return { name, output: withTop(g, cell.relu(x), options) }
  }
}

interface NasNet {
  /** Of a normal cell before the first reduction; they double at each. */
  readonly filters: number
  /** Normal cells between two reductions. */
  readonly blocks: number
  readonly stemFilters: number
  /** The cell behind a reduction looks back past it. */
  readonly skipsReduction: boolean
}

/** The two cells of NASNet-A, in the order of Keras' calls (which numbers the unnamed layers). */
class Cells {
  readonly #g: GraphBuilder

  constructor(g: GraphBuilder) {
    this.#g = g
  }

  readonly normal = (x: Layer, previous: Layer | undefined, filters: number, id: string): Layer => {
    const p = this.#adjusted(previous, x, filters, id)
    const h = this.#squeezed(x, filters, 'normal', id)
    const separable = (input: Layer, kernel: number, side: string) =>
      this.#separable(input, filters, kernel, 1, `normal_${side}_${id}`)
    const add = (a: Layer, b: Layer, n: number) =>
      this.#g.layer('Add', [a, b], {}, `normal_add_${n}_${id}`)
    const average = (input: Layer, side: string) => this.#average(input, `normal_${side}_${id}`)
    const x1 = add(separable(h, 5, 'left1'), separable(p, 3, 'right1'), 1)
    const x2 = add(separable(p, 5, 'left2'), separable(p, 3, 'right2'), 2)
    const x3 = add(average(h, 'left3'), p, 3)
    const x4 = add(average(p, 'left4'), average(p, 'right4'), 4)
    const x5 = add(separable(h, 3, 'left5'), h, 5)
    return this.#g.layer('Concatenate', [p, x1, x2, x3, x4, x5], {}, `normal_concat_${id}`)
  }

  readonly reduction = (
    x: Layer,
    previous: Layer | undefined,
    filters: number,
    id: string,
  ): Layer => {
    const p = this.#adjusted(previous, x, filters, id)
    const h = this.#squeezed(x, filters, 'reduction', id)
    const padding = stridedPadding(h, 3)
    const h3 = this.#g.layer('ZeroPadding2D', h, { padding }, `reduction_pad_1_${id}`)
    const separable = (input: Layer, kernel: number, stride: 1 | 2, side: string) =>
      this.#separable(input, filters, kernel, stride, `reduction_${side}_${id}`)
    const halved = { poolSize: [3, 3], strides: [2, 2] } as const
    const name = (part: string) => `reduction_${part}_${id}`
    const add = (a: Layer, b: Layer, part?: string) =>
      this.#g.layer('Add', [a, b], {}, part && name(part))
    const x1 = add(separable(h, 5, 2, 'left1'), separable(p, 7, 2, 'right1'), 'add_1')
    const left2 = this.#g.layer('MaxPooling2D', h3, halved, name('left2'))
    const x2 = add(left2, separable(p, 7, 2, 'right2'), 'add_2')
    const left3 = this.#g.layer('AveragePooling2D', h3, halved, name('left3'))
    const x3 = add(left3, separable(p, 5, 2, 'right3'), 'add3')
    const x4 = add(x2, this.#average(x1, name('left4')))
    const left5 = separable(x1, 3, 1, 'left4')
    const x5 = add(left5, this.#g.layer('MaxPooling2D', h3, halved, name('right5')), 'add4')
    return this.#g.layer('Concatenate', [x2, x3, x4, x5], {}, name('concat'))
  }

  relu(x: Layer, name?: string): Layer {
    return relu(this.#g, x, name)
  }

  normalize(x: Layer, name: string): Layer {
    return this.#g.layer('BatchNormalization', x, { momentum: 0.9997, epsilon: 1e-3 }, name)
  }

  #average(x: Layer, name: string): Layer {
    const settings = { poolSize: [3, 3], strides: [1, 1], padding: 'same' } as const
    return this.#g.layer('AveragePooling2D', x, settings, name)
  }

  #pointwise(x: Layer, filters: number, name: string): Layer {
    const settings = {
      filters,
      kernelSize: [1, 1],
      padding: 'same',
      useBias: false,
      kernelInitializer: HE,
    } as const
    return this.#g.layer('Conv2D', x, settings, name)
  }

  /** relu, 1x1 convolution to the cell's width, batch normalization. */
  #squeezed(x: Layer, filters: number, cell: string, id: string): Layer {
    const conv = this.#pointwise(this.relu(x), filters, `${cell}_conv_1_${id}`)
    return this.normalize(conv, `${cell}_bn_1_${id}`)
  }

  /** Twice relu, separable convolution, batch normalization; only the first is strided. */
  #separable(x: Layer, filters: number, kernel: number, stride: 1 | 2, id: string): Layer {
    const window = { filters, kernelSize: [kernel, kernel], useBias: false } as const
    let y = this.relu(x)
    if (stride === 2) {
      const padding = stridedPadding(y, kernel)
      y = this.#g.layer('ZeroPadding2D', y, { padding }, `separable_conv_1_pad_${id}`)
    }
    const first = { strides: [stride, stride], padding: stride === 2 ? 'valid' : 'same' } as const
    y = this.#g.layer('SeparableConv2D', y, { ...window, ...first }, `separable_conv_1_${id}`)
    y = this.relu(this.normalize(y, `separable_conv_1_bn_${id}`))
    const second = { ...window, padding: 'same' } as const
    y = this.#g.layer('SeparableConv2D', y, second, `separable_conv_2_${id}`)
    return this.normalize(y, `separable_conv_2_bn_${id}`)
  }

  /** The input of the cell before, brought to this cell's size and width. */
  #adjusted(previous: Layer | undefined, x: Layer, filters: number, id: string): Layer {
    if (!previous) return x
    if (previous.outputShape[1] !== x.outputShape[1]) return this.#halved(previous, filters, id)
    if (previous.outputShape[2] === filters) return previous
    const conv = this.#pointwise(this.relu(previous), filters, `adjust_conv_projection_${id}`)
    return this.normalize(conv, `adjust_bn_${id}`)
  }

  /** Two halves of the channels, each every second pixel, one of them shifted by a pixel. */
  #halved(previous: Layer, filters: number, id: string): Layer {
    const every = { poolSize: [1, 1], strides: [2, 2] } as const
    const half = Math.floor(filters / 2)
    const p = this.relu(previous, `adjust_relu_1_${id}`)
    const even = this.#g.layer('AveragePooling2D', p, every, `adjust_avg_pool_1_${id}`)
    const left = this.#pointwise(even, half, `adjust_conv_1_${id}`)
    const after = [0, 1] as const
    const before = [1, 0] as const
    const padded = this.#g.layer('ZeroPadding2D', p, { padding: [after, after] })
    const shifted = this.#g.layer('Cropping2D', padded, { cropping: [before, before] })
    const odd = this.#g.layer('AveragePooling2D', shifted, every, `adjust_avg_pool_2_${id}`)
    const right = this.#pointwise(odd, half, `adjust_conv_2_${id}`)
    const both = this.#g.layer('Concatenate', [left, right], {})
    return this.normalize(both, `adjust_bn_${id}`)
  }
}

const SETTINGS = {
  family: 'NASNet',
  minSize: 32,
  preprocessing: { mode: 'tf' },
  rescalesInside: false,
  licence: 'Apache-2.0',
  ...IMAGENET,
} as const

export const NASNET: readonly BaseModel[] = [
  {
    // 4 @ 1056
    name: 'NASNetMobile',
    architecture: nasNet('nasnet_mobile', {
      filters: 1056 / 24,
      blocks: 4,
      stemFilters: 32,
      skipsReduction: false,
    }),
    inputSize: 224,
    weights: ({ includeTop }) =>
      includeTop
        ? kerasFile('nasnet/NASNet-mobile.h5', '020fb642bf7360b370c678b08e0adf61')
        : kerasFile('nasnet/NASNet-mobile-no-top.h5', '1ed92395b5b598bdda52abe5c0dbfd63'),
    ...SETTINGS,
  },
  {
    // 6 @ 4032
    name: 'NASNetLarge',
    architecture: nasNet('nasnet_large', {
      filters: 4032 / 24,
      blocks: 6,
      stemFilters: 96,
      skipsReduction: true,
    }),
    inputSize: 331,
    weights: ({ includeTop }) =>
      includeTop
        ? kerasFile('nasnet/NASNet-large.h5', '11577c9a518f0070763c2b964a382f17')
        : kerasFile('nasnet/NASNet-large-no-top.h5', 'd81d89dc07e6e56530c4e77faddd61b5'),
    ...SETTINGS,
  },
]

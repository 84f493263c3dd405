import type { GraphBuilder } from '../graph-builder.ts'
import type { InitializerConfig, Layer } from '../layer-graph.ts'

// What the EfficientNets share.

export const KERNEL: InitializerConfig = {
  name: 'VarianceScaling',
  scale: 2,
  mode: 'fanOut',
  distribution: 'truncatedNormal',
}
export const CLASSIFIER: InitializerConfig = {
  name: 'VarianceScaling',
  scale: 1 / 3,
  mode: 'fanOut',
  distribution: 'uniform',
}

/** `block2c_`: the third block of the second stage, both counted from 0. */
export function blockName(stage: number, repeat: number): string {
  return `block${stage + 1}${String.fromCharCode('a'.charCodeAt(0) + repeat)}_`
}

export interface Convolution {
  readonly filters: number
  readonly kernel: number
  readonly stride: number
  readonly padding?: 'same' | 'valid'
}

export function convolved(
  g: GraphBuilder,
  x: Layer,
  { filters, kernel, stride, padding = 'same' }: Convolution,
  name: string,
): Layer {
  const settings = {
    filters,
    kernelSize: [kernel, kernel],
    strides: [stride, stride],
    padding,
    useBias: false,
    kernelInitializer: KERNEL,
  } as const
  return g.layer('Conv2D', x, settings, name)
}

export function convolvedByChannel(
  g: GraphBuilder,
  x: Layer,
  { kernel, stride, padding = 'same' }: Omit<Convolution, 'filters'>,
  name: string,
): Layer {
  const settings = {
    kernelSize: [kernel, kernel],
    strides: [stride, stride],
    padding,
    useBias: false,
    kernelInitializer: KERNEL,
  } as const
  return g.layer('DepthwiseConv2D', x, settings, name)
}

/** Each channel times a number between 0 and 1 that the picture's means of all channels decide (Hu et al. 2018, arXiv 1709.01507). */
export function squeezeExcited(g: GraphBuilder, x: Layer, squeezed: number, name: string): Layer {
  const channels = x.outputShape[2]!
  const means = g.layer('GlobalAveragePooling2D', x, {}, `${name}se_squeeze`)
  const pixel = g.layer('Reshape', means, { targetShape: [1, 1, channels] }, `${name}se_reshape`)
  const dense = (input: Layer, filters: number, activation: 'silu' | 'sigmoid', part: string) =>
    g.layer(
      'Conv2D',
      input,
      { filters, kernelSize: [1, 1], padding: 'same', activation, kernelInitializer: KERNEL },
      `${name}${part}`,
    )
  const reduced = dense(pixel, squeezed, 'silu', 'se_reduce')
  const factors = dense(reduced, channels, 'sigmoid', 'se_expand')
  return g.layer('Multiply', [x, factors], {}, `${name}se_excite`)
}

/** The residual, left out for whole pictures at `rate` while training. */
export function withResidual(
  g: GraphBuilder,
  x: Layer,
  input: Layer,
  rate: number,
  name: string,
): Layer {
  const settings = { rate, noiseShape: [null, 1, 1, 1] }
  const kept = rate > 0 ? g.layer('Dropout', x, settings, `${name}drop`) : x
  return g.layer('Add', [kept, input], {}, `${name}add`)
}

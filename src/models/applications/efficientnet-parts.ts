import type { GraphBuilder } from '../graph-builder.ts'
import type { InitializerConfig, Layer } from '../layer-graph.ts'

// What the EfficientNets share.

const KERNEL: InitializerConfig = {
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

type Window = Omit<Convolution, 'filters'>

export function convolved(
  g: GraphBuilder,
  x: Layer,
  { filters, ...window }: Convolution,
  name: string,
): Layer {
  return g.layer('Conv2D', x, { filters, ...settingsOf(window) }, name)
}

export function convolvedByChannel(g: GraphBuilder, x: Layer, window: Window, name: string): Layer {
  return g.layer('DepthwiseConv2D', x, settingsOf(window), name)
}

function settingsOf({ kernel, stride, padding = 'same' }: Window) {
  const window = { kernelSize: [kernel, kernel], strides: [stride, stride], padding } as const
  return { ...window, useBias: false, kernelInitializer: KERNEL } as const
}

/** Each channel times a number between 0 and 1 that the picture's means of all channels decide (Hu et al. 2018, arXiv 1709.01507). */
function squeezeExcited(g: GraphBuilder, x: Layer, squeezed: number, name: string): Layer {
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

/** Batch normalization and an activation: `PREFIXbn` and `PREFIXactivation`. */
export function activated(
  g: GraphBuilder,
  x: Layer,
  prefix: string,
  { activation, momentum = 0.99 }: Activated,
): Layer {
  const normalized = g.layer('BatchNormalization', x, { momentum }, `${prefix}bn`)
  return g.layer('Activation', normalized, { activation }, `${prefix}activation`)
}

export interface Activated {
  readonly activation: 'silu' | 'relu6'
  /** Of the batch normalization. */
  readonly momentum?: number
}

export interface Block {
  /** What the names of its layers begin with. */
  readonly name: string
  readonly expansion: number
  readonly stride: 1 | 2
  readonly filtersIn: number
  readonly filters: number
  /** How often all but the residual is left out while training. */
  readonly drop: number
}

/**
 * The end of a block: its channels weighed against each other where it is `squeezed`, brought to its filters, and added to
 * its input where that has the same shape.
 */
export function projected(
  g: GraphBuilder,
  x: Layer,
  input: Layer,
  block: Block,
  { momentum, squeezed }: { readonly momentum: number; readonly squeezed: boolean },
): Layer {
  const { name, filtersIn, filters } = block
  const reduced = Math.max(1, Math.trunc(filtersIn / 4))
  const weighed = squeezed ? squeezeExcited(g, x, reduced, name) : x
  const narrow = convolved(g, weighed, { filters, kernel: 1, stride: 1 }, `${name}project_conv`)
  const output = g.layer('BatchNormalization', narrow, { momentum }, `${name}project_bn`)
  return withResidual(g, output, input, block)
}

/** The input is added where it has the same shape; the rest is left out for whole pictures at the rate `drop` while training. */
export function withResidual(
  g: GraphBuilder,
  x: Layer,
  input: Layer,
  { name, stride, filtersIn, filters, drop }: Block,
): Layer {
  if (stride > 1 || filtersIn !== filters) return x
  const settings = { rate: drop, noiseShape: [null, 1, 1, 1] }
  const kept = drop > 0 ? g.layer('Dropout', x, settings, `${name}drop`) : x
  return g.layer('Add', [kept, input], {}, `${name}add`)
}

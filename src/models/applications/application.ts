import type { GraphBuilder } from '../graph-builder.ts'
import type { InitializerConfig, Layer } from '../layer-graph.ts'

/** What an architecture is built with; every size and factor checked before. */
export interface ArchitectureOptions {
  readonly includeTop: boolean
  readonly pooling: Pooling
  /** Width multiplier; 1 for families without one. */
  readonly alpha: number
  /** The form with fewer kinds of layers; false for families without one. */
  readonly minimalistic: boolean
  /** Whether it is built for ImageNet's weights, which changes the layers of EfficientNet. */
  readonly imagenet: boolean
  /** Outputs of the top. */
  readonly classes: number
}
export type Pooling = 'none' | 'avg' | 'max'

/** Puts a network on its input and gives its output. One file a family. */
export type Architecture = (
  g: GraphBuilder,
  input: Layer,
  options: ArchitectureOptions,
) => { readonly name: string; readonly output: Layer }

/** How a family names the layers behind its trunk; undefined: automatically. */
export interface TopNames {
  readonly average?: string
  readonly max?: string
  /** The average before the classes, where it has another name than without them. */
  readonly top?: string
  readonly kernelInitializer?: InitializerConfig
  /** The rate of a layer `top_dropout` before the classes. */
  readonly dropout?: number
}

/** The pools of most families. */
export const POOLS = { average: 'avg_pool', max: 'max_pool' } as const

/** The end that most of keras.applications share: pooled softmax classes, or the trunk, pooled if asked for. */
export function withTop(
  g: GraphBuilder,
  x: Layer,
  options: ArchitectureOptions,
  names: TopNames = {},
): Layer {
  if (!options.includeTop) return withPooling(g, x, options, names)
  const { kernelInitializer, dropout, top = names.average } = names
  const pooled = g.layer('GlobalAveragePooling2D', x, {}, top)
  const features =
    dropout === undefined ? pooled : g.layer('Dropout', pooled, { rate: dropout }, 'top_dropout')
  const settings = { units: options.classes, activation: 'softmax' } as const
  return g.layer(
    'Dense',
    features,
    kernelInitializer ? { ...settings, kernelInitializer } : settings,
    'predictions',
  )
}

/** The trunk, pooled if asked for. */
export function withPooling(
  g: GraphBuilder,
  x: Layer,
  { pooling }: ArchitectureOptions,
  { average, max }: TopNames = {},
): Layer {
  if (pooling === 'avg') return g.layer('GlobalAveragePooling2D', x, {}, average)
  return pooling === 'max' ? g.layer('GlobalMaxPooling2D', x, {}, max) : x
}

export function relu(g: GraphBuilder, x: Layer, name?: string): Layer {
  return g.layer('Activation', x, { activation: 'relu' }, name)
}

/** Zeros on all four sides. */
export function padded(g: GraphBuilder, x: Layer, by: number, name?: string): Layer {
  const sides = [by, by] as const
  return g.layer('ZeroPadding2D', x, { padding: [sides, sides] }, name)
}

/** The nearest multiple of eight, at least eight and never more than a tenth below (MobileNet papers). */
export function roundFilters(filters: number, divisor = 8): number {
  const rounded = Math.max(divisor, Math.floor((filters + divisor / 2) / divisor) * divisor)
  return rounded < 0.9 * filters ? rounded + divisor : rounded
}

/**
 * The zero padding that makes a strided `valid` convolution sample like TensorFlow's `same`
 * (`correct_pad`, keras/src/applications/imagenet_utils.py).
 */
export function stridedPadding(
  { outputShape }: Layer,
  kernel: number,
): readonly [readonly [number, number], readonly [number, number]] {
  const half = Math.floor(kernel / 2)
  const along = (size: number) => [half - (1 - (size % 2)), half] as const
  return [along(outputShape[0]!), along(outputShape[1]!)]
}

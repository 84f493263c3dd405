import type { Shape } from '../program/program.ts'
import type { SavedModelConfig } from './saved-model/stored.ts'

/**
 * A network as Keras sees it: layers with Keras' names, in the order of Keras' `model.layers` (for a Functional
 * model: by decreasing depth, then first visit from the outputs). Shapes carry no batch axis.
 */
export interface LayerGraph {
  readonly name: string
  readonly layers: readonly Layer[]
  readonly input: Layer
  readonly output: Layer
}

export interface Layer<Kind extends LayerKind = LayerKind> {
  readonly name: string
  /** Keras' class name. */
  readonly kind: Kind
  readonly config: LayerConfigs[Kind]
  readonly inputs: readonly Layer[]
  /** [height, width, channels], or [features]. */
  readonly outputShape: Shape
  /** In Keras' order: trainable ones, then the others (gamma, beta, moving_mean, moving_variance). */
  readonly weights: readonly WeightSpec[]
  /**
   * Where the layer stands in Keras' `model.layers` if not there by its own name: `within` the nested model of that name,
   * which counts as one; or nowhere, as the operations `x + 3` and `x + y` do.
   */
  readonly listed?: { readonly within: string } | 'nowhere' | undefined
}

export interface WeightSpec {
  /** Keras 3's path: `Conv1/kernel`, `bn_Conv1/moving_mean`. */
  readonly name: string
  readonly shape: Shape
  readonly initializer: InitializerConfig
  /** False for moving averages, which no gradient ever changes. */
  readonly trainable: boolean
}

/** Values by weight name, row-major float32. */
export type WeightMap = ReadonlyMap<string, Float32Array>

export type Activation =
  | 'linear'
  | 'relu'
  | 'relu6'
  | 'leaky_relu'
  | 'elu'
  | 'selu'
  | 'silu'
  | 'gelu'
  | 'hard_sigmoid'
  | 'hard_silu'
  | 'sigmoid'
  | 'softmax'
  | 'tanh'
  | 'softplus'
  | 'softsign'
  | 'exponential'

/** Keras' initializers; `{name: 'GlorotUniform'}`, `{name: 'RandomNormal', mean: 0, stddev: 0.05}`. */
export interface InitializerConfig {
  readonly name: string
  readonly [argument: string]: number | string | boolean | undefined
}

/** Each layer's own settings, by Keras' class name. One file each in `layers/`. */
export interface LayerConfigs {
  InputLayer: { readonly shape: Shape }
  /** `groups` > 1: channels are convolved in so many parts, each by its share of the filters. */
  Conv2D: ConvConfig & { readonly filters: number; readonly groups: number }
  DepthwiseConv2D: ConvConfig & { readonly depthMultiplier: number }
  SeparableConv2D: ConvConfig & {
    readonly filters: number
    readonly depthMultiplier: number
    readonly pointwiseInitializer: InitializerConfig
  }
  BatchNormalization: {
    readonly momentum: number
    readonly epsilon: number
    readonly scale: boolean
    readonly center: boolean
  }
  LayerNormalization: {
    readonly epsilon: number
    readonly scale: boolean
    readonly center: boolean
  }
  /** By channel; undefined: `mean` and `variance` are weights. */
  Normalization: {
    readonly mean: readonly number[] | undefined
    readonly variance: readonly number[] | undefined
  }
  /** `x * scale + offset`; a list: by channel. */
  Rescaling: {
    readonly scale: number | readonly number[]
    readonly offset: number | readonly number[]
  }
  /** ConvNeXt's, with one weight, `gamma`. */
  LayerScale: { readonly initValues: number; readonly projectionDim: number }
  /** ConvNeXt's: a residual is left out for a picture with this probability. */
  StochasticDepth: { readonly dropPathRate: number }
  ReLU: { readonly maxValue: number | undefined }
  LeakyReLU: { readonly negativeSlope: number }
  /** Axes, counted from the batch's as 0, along which one slope serves all. */
  PReLU: { readonly sharedAxes: readonly number[] }
  ELU: { readonly alpha: number }
  Activation: { readonly activation: Activation }
  ZeroPadding2D: {
    readonly padding: readonly [readonly [number, number], readonly [number, number]]
  }
  Cropping2D: { readonly cropping: readonly [readonly [number, number], readonly [number, number]] }
  MaxPooling2D: PoolConfig
  AveragePooling2D: PoolConfig
  GlobalAveragePooling2D: { readonly keepDims: boolean }
  GlobalMaxPooling2D: { readonly keepDims: boolean }
  Add: Readonly<Record<string, never>>
  Multiply: Readonly<Record<string, never>>
  Subtract: Readonly<Record<string, never>>
  Average: Readonly<Record<string, never>>
  Maximum: Readonly<Record<string, never>>
  Minimum: Readonly<Record<string, never>>
  Concatenate: Readonly<Record<string, never>>
  /** InceptionResNetV2's: its first input and its second times `scale`. */
  CustomScaleLayer: { readonly scale: number }
  Flatten: Readonly<Record<string, never>>
  /** Without the batch axis; one axis may be -1. */
  Reshape: { readonly targetShape: readonly number[] }
  /** `noiseShape`: the mask's, the batch's axis included as null; null elsewhere: the input's size. Undefined: the input's. */
  Dropout: { readonly rate: number; readonly noiseShape: readonly (number | null)[] | undefined }
  Dense: {
    readonly units: number
    readonly activation: Activation
    readonly useBias: boolean
    readonly kernelInitializer: InitializerConfig
    readonly biasInitializer: InitializerConfig
    readonly kernelRegularizer?: { readonly l1?: number; readonly l2?: number } | undefined
  }
  /** A module of TensorFlow Hub or another SavedModel, imported whole. */
  SavedModel: SavedModelConfig
}

export type LayerKind = keyof LayerConfigs

export interface ConvConfig {
  readonly kernelSize: readonly [number, number]
  readonly strides: readonly [number, number]
  readonly padding: 'same' | 'valid'
  readonly useBias: boolean
  readonly activation: Activation
  /** Of the kernel; of the depthwise one where there are two. */
  readonly kernelInitializer: InitializerConfig
}
export interface PoolConfig {
  readonly poolSize: readonly [number, number]
  readonly strides: readonly [number, number]
  readonly padding: 'same' | 'valid'
}

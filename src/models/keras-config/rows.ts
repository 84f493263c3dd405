import type { Json, JsonObject } from '../../util/json.ts'
import type { ConvConfig, LayerConfigs, LayerKind, PoolConfig } from '../layer-graph.ts'
import { GLOROT, ZEROS } from '../layers/definition.ts'
import type { Settings } from './settings.ts'
import {
  activationToKeras,
  initializerToKeras,
  numberIn,
  regularizerToKeras,
  type KerasFormat,
} from './values.ts'

/** How Keras writes the settings of one kind of layer; its class has the kind's name. */
export interface KerasRow<Kind extends LayerKind> {
  /** Ours from Keras'; what is not done here is noted in the settings. */
  readonly read: (settings: Settings) => LayerConfigs[Kind]
  /** Keras' from ours, without name, dtype and the like. */
  readonly write: (config: LayerConfigs[Kind], format: KerasFormat) => JsonObject
  /** Where Keras 3 has the class, if not in `keras.layers`. */
  readonly module?: string
}

const PADDINGS = ['valid', 'same'] as const
const NOTHING = { read: () => ({}), write: () => ({}) }

/** The kinds that are classes of Keras: a SavedModel brings its own function, which no config holds. */
export type KerasKind = Exclude<LayerKind, 'SavedModel'>

export const KERAS_ROWS: { readonly [Kind in KerasKind]: KerasRow<Kind> } = {
  InputLayer: {
    read: (s) => {
      s.ignore('optional', 'batch_shape', 'batch_input_shape')
      s.only('sparse', false)
      s.only('ragged', false)
      return { shape: inputShape(s) }
    },
    write: ({ shape }, format) => ({
      [format === 'keras2' ? 'batch_input_shape' : 'batch_shape']: [
        null,
        ...shape.map((size) => (size < 0 ? null : size)),
      ],
      sparse: false,
      ragged: false,
    }),
  },
  Conv2D: {
    read: (s) => ({
      filters: s.size('filters'),
      groups: s.size('groups', 1),
      ...readConvolution(s, 'kernel_initializer'),
    }),
    write: ({ filters, groups, ...config }, format) => ({
      filters,
      groups,
      ...writeConvolution(config, 'kernel_initializer', format),
    }),
  },
  DepthwiseConv2D: {
    read: (s) => {
      s.only('groups', 1)
      return {
        depthMultiplier: s.size('depth_multiplier', 1),
        ...readConvolution(s, 'depthwise_initializer'),
      }
    },
    write: ({ depthMultiplier, ...config }, format) => ({
      depth_multiplier: depthMultiplier,
      ...writeConvolution(config, 'depthwise_initializer', format),
    }),
  },
  SeparableConv2D: {
    read: (s) => {
      s.only('groups', 1)
      return {
        filters: s.size('filters'),
        depthMultiplier: s.size('depth_multiplier', 1),
        pointwiseInitializer: s.initializer('pointwise_initializer', GLOROT),
        ...readConvolution(s, 'depthwise_initializer'),
      }
    },
    write: ({ filters, depthMultiplier, pointwiseInitializer, ...config }, format) => ({
      filters,
      depth_multiplier: depthMultiplier,
      pointwise_initializer: initializerToKeras(pointwiseInitializer, format),
      ...writeConvolution(config, 'depthwise_initializer', format),
    }),
  },
  BatchNormalization: {
    read: (s) => {
      s.lastAxis()
      s.only('renorm', false)
      s.ignore('renorm_clipping', 'renorm_momentum', 'synchronized', 'fused')
      return {
        momentum: s.number('momentum', 0.99),
        epsilon: s.number('epsilon', 1e-3),
        scale: s.flag('scale', true),
        center: s.flag('center', true),
      }
    },
    write: ({ momentum, epsilon, scale, center }) => ({
      axis: -1,
      momentum,
      epsilon,
      scale,
      center,
    }),
  },
  LayerNormalization: {
    read: (s) => {
      s.lastAxis()
      s.only('rms_scaling', false)
      return {
        epsilon: s.number('epsilon', 1e-3),
        scale: s.flag('scale', true),
        center: s.flag('center', true),
      }
    },
    write: ({ epsilon, scale, center }) => ({ axis: -1, epsilon, scale, center }),
  },
  Normalization: {
    read: (s) => {
      s.lastAxis()
      s.only('invert', false)
      return { mean: s.numbers('mean'), variance: s.numbers('variance') }
    },
    write: ({ mean, variance }) => ({
      axis: -1,
      invert: false,
      mean: mean ?? null,
      variance: variance ?? null,
    }),
  },
  Rescaling: {
    read: (s) => ({ scale: s.oneOrMore('scale', 1), offset: s.oneOrMore('offset', 0) }),
    write: ({ scale, offset }) => ({ scale, offset }),
  },
  LayerScale: {
    read: (s) => ({
      initValues: s.number('init_values'),
      projectionDim: s.size('projection_dim'),
    }),
    write: ({ initValues, projectionDim }) => ({
      init_values: initValues,
      projection_dim: projectionDim,
    }),
    module: 'keras.src.applications.convnext',
  },
  StochasticDepth: {
    read: (s) => ({ dropPathRate: s.number('drop_path_rate') }),
    write: ({ dropPathRate }) => ({ drop_path_rate: dropPathRate }),
    module: 'keras.src.applications.convnext',
  },
  ReLU: {
    read: (s) => {
      s.only('negative_slope', 0)
      s.only('threshold', 0)
      const maxValue = s.raw('max_value')
      return { maxValue: maxValue === null ? undefined : s.number('max_value') }
    },
    write: ({ maxValue }) => ({ max_value: maxValue ?? null, negative_slope: 0, threshold: 0 }),
  },
  LeakyReLU: {
    // Keras 2 and tfjs call it alpha.
    read: (s) => ({ negativeSlope: s.number('negative_slope', s.number('alpha', 0.3)) }),
    write: ({ negativeSlope }, format) => ({
      [format === 'keras2' ? 'alpha' : 'negative_slope']: negativeSlope,
    }),
  },
  PReLU: {
    read: (s) => ({ sharedAxes: s.numbers('shared_axes') ?? [] }),
    write: ({ sharedAxes }) => ({ shared_axes: sharedAxes.length === 0 ? null : sharedAxes }),
  },
  ELU: {
    read: (s) => ({ alpha: s.number('alpha', 1) }),
    write: ({ alpha }) => ({ alpha }),
  },
  Activation: {
    read: (s) => ({ activation: s.activation() }),
    write: ({ activation }, format) => ({ activation: activationToKeras(activation, format) }),
  },
  ZeroPadding2D: {
    read: (s) => {
      s.only('data_format', 'channels_last')
      return { padding: s.borders('padding', 1) }
    },
    write: ({ padding }) => ({ padding, data_format: 'channels_last' }),
  },
  Cropping2D: {
    read: (s) => {
      s.only('data_format', 'channels_last')
      return { cropping: s.borders('cropping', 0) }
    },
    write: ({ cropping }) => ({ cropping, data_format: 'channels_last' }),
  },
  MaxPooling2D: { read: readPool, write: writePool },
  AveragePooling2D: { read: readPool, write: writePool },
  GlobalAveragePooling2D: { read: readGlobalPool, write: writeGlobalPool },
  GlobalMaxPooling2D: { read: readGlobalPool, write: writeGlobalPool },
  Add: NOTHING,
  Multiply: NOTHING,
  Subtract: NOTHING,
  Average: NOTHING,
  Maximum: NOTHING,
  Minimum: NOTHING,
  Concatenate: {
    read: (s) => {
      s.lastAxis()
      return {}
    },
    write: () => ({ axis: -1 }),
  },
  CustomScaleLayer: {
    read: (s) => ({ scale: s.number('scale') }),
    write: ({ scale }) => ({ scale }),
    module: 'keras.src.applications.inception_resnet_v2',
  },
  Flatten: {
    read: (s) => {
      s.only('data_format', 'channels_last')
      return {}
    },
    write: () => ({ data_format: 'channels_last' }),
  },
  Reshape: {
    read: (s) => {
      const targetShape = s.numbers('target_shape') ?? []
      const whole = targetShape.every((n) => Number.isInteger(n) && n >= -1)
      if (targetShape.length === 0 || !whole) s.wrong('target_shape', 'a list of sizes')
      return { targetShape }
    },
    write: ({ targetShape }) => ({ target_shape: targetShape }),
  },
  Dropout: {
    read: (s) => ({ rate: s.number('rate'), noiseShape: noiseShape(s) }),
    write: ({ rate, noiseShape: noise }) => ({ rate, noise_shape: noise ?? null }),
  },
  Dense: {
    read: (s) => ({
      units: s.size('units'),
      activation: s.activation(),
      useBias: s.flag('use_bias', true),
      kernelInitializer: s.initializer('kernel_initializer', GLOROT),
      biasInitializer: s.initializer('bias_initializer', ZEROS),
      kernelRegularizer: s.regularizer('kernel_regularizer'),
    }),
    write: (config, format) => ({
      units: config.units,
      activation: activationToKeras(config.activation, format),
      use_bias: config.useBias,
      kernel_initializer: initializerToKeras(config.kernelInitializer, format),
      bias_initializer: initializerToKeras(config.biasInitializer, format),
      kernel_regularizer: regularizerToKeras(config.kernelRegularizer, format),
    }),
  },
}

/** Without the batch axis; -1 for a size that the file leaves open. */
function inputShape(s: Settings): readonly number[] {
  const given = s.raw('batch_shape') ?? s.raw('batch_input_shape')
  const shape = Array.isArray(given) ? (given as readonly Json[]).slice(1) : []
  const sizes = shape.map((size) => (size === null ? -1 : numberIn(size)))
  if (sizes.length > 0 && sizes.every((n) => n === -1 || (Number.isInteger(n) && n! > 0))) {
    return sizes as number[]
  }
  s.wrong('batch_shape', 'a list of sizes')
  return [1]
}

function noiseShape(s: Settings): readonly (number | null)[] | undefined {
  const given = s.raw('noise_shape')
  if (given === null) return undefined
  const sizes = Array.isArray(given) ? (given as readonly Json[]) : []
  if (sizes.length > 0 && sizes.every((n) => n === null || typeof n === 'number')) {
    return sizes
  }
  s.wrong('noise_shape', 'a list of sizes')
  return undefined
}

function readConvolution(s: Settings, initializer: string): ConvConfig {
  s.only('data_format', 'channels_last')
  s.only('dilation_rate', 1)
  return {
    kernelSize: s.sizes('kernel_size'),
    strides: s.sizes('strides', [1, 1]),
    padding: s.choice('padding', PADDINGS, 'valid'),
    useBias: s.flag('use_bias', true),
    activation: s.activation(),
    kernelInitializer: s.initializer(initializer, GLOROT),
  }
}

function writeConvolution(
  config: ConvConfig,
  initializer: string,
  format: KerasFormat,
): JsonObject {
  return {
    kernel_size: config.kernelSize,
    strides: config.strides,
    padding: config.padding,
    data_format: 'channels_last',
    dilation_rate: [1, 1],
    activation: activationToKeras(config.activation, format),
    use_bias: config.useBias,
    [initializer]: initializerToKeras(config.kernelInitializer, format),
  }
}

function readPool(s: Settings): PoolConfig {
  s.only('data_format', 'channels_last')
  const poolSize = s.sizes('pool_size', [2, 2])
  const padding = s.choice('padding', PADDINGS, 'valid')
  return { poolSize, strides: s.sizes('strides', poolSize), padding }
}

function writePool({ poolSize, strides, padding }: PoolConfig): JsonObject {
  return { pool_size: poolSize, strides, padding, data_format: 'channels_last' }
}

function readGlobalPool(s: Settings): { readonly keepDims: boolean } {
  s.only('data_format', 'channels_last')
  return { keepDims: s.flag('keepdims', false) }
}

function writeGlobalPool({ keepDims }: { readonly keepDims: boolean }): JsonObject {
  return { data_format: 'channels_last', keepdims: keepDims }
}

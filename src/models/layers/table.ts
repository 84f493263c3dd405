import type { LayerConfigs, LayerKind } from '../layer-graph.ts'
import { activation } from './activation.ts'
import { add } from './add.ts'
import { averagePooling2d } from './average-pooling2d.ts'
import { average } from './average.ts'
import { batchNormalization } from './batch-normalization.ts'
import { concatenate } from './concatenate.ts'
import { conv2d } from './conv2d.ts'
import { cropping2d } from './cropping2d.ts'
import { customScaleLayer } from './custom-scale-layer.ts'
import type { LayerDefinition } from './definition.ts'
import { dense } from './dense.ts'
import { depthwiseConv2d } from './depthwise-conv2d.ts'
import { dropout } from './dropout.ts'
import { elu } from './elu.ts'
import { flatten } from './flatten.ts'
import { globalAveragePooling2d } from './global-average-pooling2d.ts'
import { globalMaxPooling2d } from './global-max-pooling2d.ts'
import { inputLayer } from './input-layer.ts'
import { layerNormalization } from './layer-normalization.ts'
import { layerScale } from './layer-scale.ts'
import { leakyReLU } from './leaky-re-lu.ts'
import { maxPooling2d } from './max-pooling2d.ts'
import { maximum } from './maximum.ts'
import { minimum } from './minimum.ts'
import { multiply } from './multiply.ts'
import { normalization } from './normalization.ts'
import { pReLU } from './p-re-lu.ts'
import { reLU } from './re-lu.ts'
import { rescaling } from './rescaling.ts'
import { reshape } from './reshape.ts'
import { savedModel } from './saved-model.ts'
import { separableConv2d } from './separable-conv2d.ts'
import { stochasticDepth } from './stochastic-depth.ts'
import { subtract } from './subtract.ts'
import { zeroPadding2d } from './zero-padding2d.ts'

/** Every layer there is, by Keras' class name. */
export const LAYERS = {
  InputLayer: inputLayer,
  Conv2D: conv2d,
  DepthwiseConv2D: depthwiseConv2d,
  SeparableConv2D: separableConv2d,
  BatchNormalization: batchNormalization,
  LayerNormalization: layerNormalization,
  Normalization: normalization,
  Rescaling: rescaling,
  LayerScale: layerScale,
  StochasticDepth: stochasticDepth,
  ReLU: reLU,
  LeakyReLU: leakyReLU,
  PReLU: pReLU,
  ELU: elu,
  Activation: activation,
  ZeroPadding2D: zeroPadding2d,
  Cropping2D: cropping2d,
  MaxPooling2D: maxPooling2d,
  AveragePooling2D: averagePooling2d,
  GlobalAveragePooling2D: globalAveragePooling2d,
  GlobalMaxPooling2D: globalMaxPooling2d,
  Add: add,
  Multiply: multiply,
  Subtract: subtract,
  Average: average,
  Maximum: maximum,
  Minimum: minimum,
  Concatenate: concatenate,
  CustomScaleLayer: customScaleLayer,
  Flatten: flatten,
  Reshape: reshape,
  Dropout: dropout,
  Dense: dense,
  SavedModel: savedModel,
} as const satisfies { readonly [Kind in LayerKind]: LayerDefinition<Kind> }

/** A layer's settings where the ones with a default may be left out. */
export type LayerSettings<Kind extends LayerKind> = Omit<
  LayerConfigs[Kind],
  keyof (typeof LAYERS)[Kind]['defaults']
> &
  Partial<LayerConfigs[Kind]>

/** The table's row, typed for one kind (or for any). */
export function definitionOf<Kind extends LayerKind>(kind: Kind): LayerDefinition<Kind> {
  return LAYERS[kind] as unknown as LayerDefinition<Kind>
}

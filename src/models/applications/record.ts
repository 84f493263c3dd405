import type { Preprocessing } from '../preprocessing.ts'
import type { WeightsSource } from '../weights-source.ts'
import type { Architecture } from './application.ts'

/** Which of a model's published weights are asked for. */
export interface WeightsVariant {
  readonly includeTop: boolean
  readonly alpha: number
  readonly minimalistic: boolean
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
  /** The sizes with weights of their own; absent: only `inputSize`. */
  readonly inputSizes?: readonly number[]
  /** Least height and width that Keras takes. */
  readonly minSize: number
  /** What the weights expect to have been done to pixels. */
  readonly preprocessing: Preprocessing
  /** The network rescales 0..255 itself: `preprocessing` must not do it again. */
  readonly rescalesInside: boolean
  /** The width multipliers that have weights; absent: the family has no multiplier. */
  readonly alphas?: readonly number[]
  /** There is a minimalistic form (MobileNetV3). */
  readonly hasMinimalistic?: true
  /** Weights of the top depend on the picture's size (VGG, whose top is not pooled). */
  readonly hasSizedTop?: true
  /** Keras builds it with other layers for ImageNet's weights than for none (EfficientNet). */
  readonly differsForImagenet?: true
  /** Undefined: none are published for this variant (of one of the `alphas`). */
  readonly weights: (variant: WeightsVariant) => WeightsSource | undefined
  /** Of the weights. */
  readonly licence: string
  readonly classes: number
  readonly labels: 'imagenet'
}

export const IMAGENET = { classes: 1000, labels: 'imagenet' } as const

const KERAS_FILES = 'https://storage.googleapis.com/tensorflow/keras-applications'

/** A file of keras.applications, with the digest (md5, or sha256 by its length) that Keras checks. */
export function kerasFile(path: string, digest?: string): WeightsSource {
  const named =
    digest === undefined ? {} : digest.length === 64 ? { sha256: digest } : { md5: digest }
  return { url: `${KERAS_FILES}/${path}`, ...named, format: 'keras-h5' }
}

/** The size among those with weights of their own, else 224, as Keras chooses the file. */
export function trainedRows([height, width]: readonly number[], sizes: readonly number[]): number {
  return height === width && sizes.includes(height!) ? height! : 224
}

/** Of the files with the top and without, as Keras has them. */
export type Digests = readonly [top: string, noTop: string]

/** The pair of files that most families have, `STEM.h5` with the top and `STEM_notop.h5`. */
export function kerasPair(stem: string, [top, noTop]: Digests): BaseModel['weights'] {
  return ({ includeTop }) =>
    includeTop ? kerasFile(`${stem}.h5`, top) : kerasFile(`${stem}_notop.h5`, noTop)
}

/** The same as older files are called. */
export function kerasKernels(stem: string, digests: Digests): BaseModel['weights'] {
  return kerasPair(`${stem}_weights_tf_dim_ordering_tf_kernels`, digests)
}

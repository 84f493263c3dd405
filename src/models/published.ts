// What is known of base models without building one: cheap to load.
import { failure } from '../util/diagnostic.ts'
import { didYouMean } from '../util/suggest.ts'
import type { Pooling } from './applications/application.ts'
import { BASE_MODELS, type BaseModel } from './catalogue.ts'
import type { Preprocessing } from './preprocessing.ts'
import type { WeightsSource } from './weights-source.ts'

export interface BaseModelOptions {
  readonly name: string
  /** Default false. */
  readonly includeTop?: boolean | undefined
  /** Default none; with the top it has no say, as in Keras. */
  readonly pooling?: Pooling | undefined
  /** Width multiplier, default 1. */
  readonly alpha?: number | undefined
  /** MobileNetV3's form with fewer kinds of layers; default false. */
  readonly minimalistic?: boolean | undefined
  /** Built for ImageNet's weights (`weights="imagenet"` in Keras), default false: EfficientNet has then a layer more. */
  readonly imagenet?: boolean | undefined
  /** [height, width, 3]; default the model's own. */
  readonly inputShape?: readonly number[] | undefined
}

/** The record of a name; throws WRONG_VALUE with the nearest name. */
export function baseModel(name: string): BaseModel {
  const found = BASE_MODELS.find((model) => model.name === name)
  if (found) return found
  const names = BASE_MODELS.map((model) => model.name)
  throw failure('WRONG_VALUE', `unknown base model "${name}"`, {
    hint: didYouMean(name, names) ?? `there are ${names.join(', ')}`,
  })
}

/** Where the model's ImageNet weights come from; throws WRONG_VALUE for a variant that has none. */
export function imagenetWeights(options: BaseModelOptions): WeightsSource {
  const found = publishedWeights(options)
  if (found) return found
  const { name, alphas = [] } = baseModel(options.name)
  const { alpha = 1, minimalistic = false } = options
  const width =
    alphas.length > 0 ? ` with alpha ${alpha}${minimalistic ? ', minimalistic' : ''}` : ''
  const there = alphas.filter((a) => publishedWeights({ ...options, alpha: a }))
  throw failure('WRONG_VALUE', `no ImageNet weights of ${name}${width}`, {
    hint: `${there.length > 0 ? `alpha: ${there.join(', ')}, or ` : ''}weights: none`,
  })
}

/** As `imagenetWeights`; undefined for a variant that has none. */
export function publishedWeights(options: BaseModelOptions): WeightsSource | undefined {
  const model = baseModel(options.name)
  const variant = checked(model, options)
  if (model.alphas && !model.alphas.includes(variant.alpha)) return undefined
  return model.weights(variant)
}

/** What the model's weights expect to have been done to pixels. */
export function defaultPreprocessing(name: string): Preprocessing {
  return baseModel(name).preprocessing
}

/** The options with their defaults, held against what the model takes. Throws WRONG_VALUE. */
export function checked(model: BaseModel, options: BaseModelOptions) {
  const { includeTop = false, pooling = 'none', alpha = 1 } = options
  const { minimalistic = false, imagenet = false } = options
  const { inputShape = [model.inputSize, model.inputSize, 3] } = options
  const [height, width, channels] = inputShape
  const whole = inputShape.length === 3 && inputShape.every((n) => Number.isInteger(n))
  if (!whole || height! < model.minSize || width! < model.minSize) {
    throw failure(
      'WRONG_VALUE',
      `${model.name} on pictures of ${inputShape.slice(0, 2).join('x')}`,
      {
        hint: `height and width are at least ${model.minSize}; its weights were trained at ${model.inputSize}`,
      },
    )
  }
  if (channels !== 3) {
    throw failure('WRONG_VALUE', `${model.name} on pictures of ${channels} channels`, {
      hint: 'it takes 3 channels; colorMode: grayscale repeats one to three',
    })
  }
  if (!(alpha > 0 && Number.isFinite(alpha))) {
    throw failure('WRONG_VALUE', `alpha ${alpha} is not a positive number`)
  }
  if (!model.alphas && alpha !== 1) throw hasNone(model, 'alpha', alpha, (m) => m.alphas)
  if (!model.hasMinimalistic && minimalistic) {
    throw hasNone(model, 'minimalistic', minimalistic, (m) => m.hasMinimalistic)
  }
  return { includeTop, pooling, alpha, minimalistic, imagenet, inputShape }
}

function hasNone(model: BaseModel, key: string, got: unknown, has: (model: BaseModel) => unknown) {
  const others = BASE_MODELS.filter(has).map((m) => m.name)
  const whose = `${others.join(', ')} ${others.length > 1 ? 'have' : 'has'} one`
  return failure('WRONG_VALUE', `${model.name} has no ${key}, got ${String(got)}`, {
    hint: `remove ${key}${others.length > 0 ? ` (${whose})` : ''}`,
  })
}

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

/** Where the model's ImageNet weights come from; throws WRONG_VALUE for an `alpha` that has none. */
export function imagenetWeights(options: BaseModelOptions): WeightsSource {
  const model = baseModel(options.name)
  const variant = checked(model, options)
  if (model.alphas && !model.alphas.includes(variant.alpha)) {
    throw failure(
      'WRONG_VALUE',
      `no ImageNet weights of ${model.name} with alpha ${variant.alpha}`,
      {
        hint: `alpha: ${model.alphas.join(', ')}, or weights: none`,
      },
    )
  }
  return model.weights(variant)
}

/** What the model's weights expect to have been done to pixels. */
export function defaultPreprocessing(name: string): Preprocessing {
  return baseModel(name).preprocessing
}

/** The options with their defaults, held against what the model takes. Throws WRONG_VALUE. */
export function checked(model: BaseModel, options: BaseModelOptions) {
  const { includeTop = false, pooling = 'none', alpha = 1 } = options
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
  if (!model.alphas && alpha !== 1) {
    const others = BASE_MODELS.filter((m) => m.alphas).map((m) => m.name)
    throw failure('WRONG_VALUE', `${model.name} has no alpha, got ${alpha}`, {
      hint: `remove alpha (${others.join(', ')} ${others.length > 1 ? 'have' : 'has'} one)`,
    })
  }
  return { includeTop, pooling, alpha, inputShape }
}

import { BASE_MODELS } from '../models/catalogue.ts'
import { samePreprocessing } from '../models/preprocessing.ts'
import type { Checked } from './check.ts'

/** Models of keras.applications that bring values 0..255 into their range themselves (EfficientNet, ConvNeXt ...). */
const RESCALES_INSIDE = /^(EfficientNetB|EfficientNetV2|MobileNetV3|ConvNeXt)/

export function checkPreprocessing({ pipeline, model, isWritten, report }: Checked): void {
  const { preprocessing, baseModel } = pipeline
  const path = ['preprocessing']
  if (!isWritten(path)) return
  if ('mean' in preprocessing) {
    const wrong = (['mean', 'std'] as const).filter((key) => preprocessing[key].length !== 3)
    for (const key of wrong) {
      const message = `preprocessing.${key} takes one number or three, got ${preprocessing[key].length}`
      report('WRONG_VALUE', [...path, key], message)
    }
    if (wrong.length > 0) return
  }
  const inside = model?.rescalesInside ?? RESCALES_INSIDE.test(baseModel.name)
  const [key] = Object.keys(preprocessing)
  if (inside && !('mode' in preprocessing && preprocessing.mode === 'none')) {
    if (preprocessing.force) return
    const message = `${baseModel.name} rescales pixels inside, and preprocessing.${key} rescales them before it`
    const hint = 'take preprocessing out; or write force: true in it if both are meant'
    report('CONFLICT', [...path, key!], message, { hint })
  } else if (
    model &&
    baseModel.weights !== 'none' &&
    !samePreprocessing(preprocessing, model.preprocessing)
  ) {
    const message = `preprocessing differs from what ${baseModel.name} was trained with: ${flow(model.preprocessing)}`
    const hint = "take preprocessing out to have the model's own"
    report('PREPROCESSING_DIFFERS', path, message, { hint, severity: 'warning' })
  }
}

export function checkImageSize({ pipeline, model, report }: Checked): void {
  if (!model) return
  const { imageSize } = pipeline.dataset
  const { name, includeTop, weights } = pipeline.baseModel
  const path = ['dataset', 'imageSize']
  if (Math.min(...imageSize) < model.minSize) {
    report(
      'WRONG_VALUE',
      path,
      `${name} takes pictures of at least ${model.minSize}x${model.minSize}, got ${imageSize.join('x')}`,
    )
  } else if (
    includeTop &&
    weights === 'imagenet' &&
    imageSize.some((side) => side !== model.inputSize)
  ) {
    const size = `${model.inputSize}x${model.inputSize}`
    report(
      'CONFLICT',
      path,
      `${name} with its top and ImageNet's weights takes only ${size}, got ${imageSize.join('x')}`,
    )
  }
}

/** A name of keras.applications that the catalogue does not have yet; a name that is none the schema refuses. */
export function checkName({ pipeline, model, report }: Checked): void {
  if (model) return
  const hint = `this version has ${BASE_MODELS.map((m) => m.name).join(', ')}`
  report('NOT_YET', ['baseModel', 'name'], `${pipeline.baseModel.name} is not in this version`, {
    hint,
  })
}

export function checkAlpha({ pipeline, model, report }: Checked): void {
  const { name, alpha, weights } = pipeline.baseModel
  if (!model || alpha === undefined) return
  const path = ['baseModel', 'alpha']
  if (!model.alphas) {
    report('CONFLICT', path, `${name} has no alpha`, { hint: 'take alpha out' })
  } else if (weights === 'imagenet' && !model.alphas.includes(alpha)) {
    const message = `${name} has weights of ImageNet for alpha ${model.alphas.join(', ')}, got ${alpha}`
    report('WRONG_VALUE', path, message)
  }
}

function flow(preprocessing: object): string {
  const parts = Object.entries(preprocessing).map(
    ([key, value]) => `${key}: ${JSON.stringify(value)}`,
  )
  return `{${parts.join(', ')}}`.replaceAll('"', '').replaceAll(',', ', ').replaceAll(',  ', ', ')
}

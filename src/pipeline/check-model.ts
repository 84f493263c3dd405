import type { StoredGraph } from '../models/stored-graph.ts'
import { publishedWeights } from '../models/published.ts'
import { samePreprocessing } from '../models/preprocessing.ts'
import { isNamed, modelName, sourceKey } from './base-model.ts'
import type { CheckedModel } from './check.ts'

/** Layers that bring values 0..255 into the range a network works with. */
const RESCALING = new Set<string>(['Rescaling', 'Normalization'])

export function checkPreprocessing(checked: CheckedModel): void {
  const { pipeline, model, known, isWritten, report } = checked
  const { preprocessing, baseModel } = pipeline
  const path = ['preprocessing']
  if (!isWritten(path)) {
    noteUnknown(checked)
    return
  }
  if ('mean' in preprocessing) {
    const wrong = (['mean', 'std'] as const).filter((key) => preprocessing[key].length !== 3)
    for (const key of wrong) {
      const message = `preprocessing.${key} takes one number or three, got ${preprocessing[key].length}`
      report('WRONG_VALUE', [...path, key], message)
    }
    if (wrong.length > 0) return
  }
  const name = modelName(baseModel)
  const inside = isNamed(baseModel)
    ? model?.rescalesInside === true
    : known?.stored !== undefined && rescalesInside(known.stored)
  const own = model?.preprocessing ?? known?.preprocessing
  const isTrained = !isNamed(baseModel) || baseModel.weights !== 'none'
  const [key] = Object.keys(preprocessing)
  if (inside && !('mode' in preprocessing && preprocessing.mode === 'none')) {
    if (preprocessing.force) return
    const message = `${name} rescales pixels inside, and preprocessing.${key} rescales them before it`
    const hint = 'take preprocessing out; or write force: true in it if both are meant'
    report('CONFLICT', [...path, key!], message, { hint })
  } else if (own && isTrained && !samePreprocessing(preprocessing, own)) {
    const message = `preprocessing differs from what ${name} was trained with: ${flow(own)}`
    const hint = "take preprocessing out to have the model's own"
    report('PREPROCESSING_DIFFERS', path, message, { hint, severity: 'warning' })
  }
}

export function checkImageSize({ pipeline, model, report }: CheckedModel): void {
  const { baseModel } = pipeline
  if (!model || !isNamed(baseModel)) return
  const { imageSize } = pipeline.dataset
  const { name, includeTop, weights } = baseModel
  const path = ['dataset', 'imageSize']
  const { inputSizes: sizes = [model.inputSize] } = model
  if (Math.min(...imageSize) < model.minSize) {
    report(
      'WRONG_VALUE',
      path,
      `${name} takes pictures of at least ${model.minSize}x${model.minSize}, got ${imageSize.join('x')}`,
    )
  } else if (
    includeTop &&
    weights === 'imagenet' &&
    !sizes.some((size) => imageSize.every((side) => side === size))
  ) {
    const size = sizes.map((side) => `${side}x${side}`).join(', ')
    const message = `${name} with its top and ImageNet's weights takes only ${size}, got ${imageSize.join('x')}`
    const hint =
      'take imageSize out; as in Keras, only a model without its top, or with weights of a file, takes others'
    report('CONFLICT', path, message, { hint })
  }
}

/** The width and the form, for the families that have them. */
export function checkVariant({ pipeline, model, report }: CheckedModel): void {
  const { baseModel } = pipeline
  if (!model || !isNamed(baseModel)) return
  const { name, alpha = 1, minimalistic, weights } = baseModel
  const path = ['baseModel', 'alpha']
  if (!model.hasMinimalistic && minimalistic !== undefined) {
    const hint = 'take minimalistic out'
    report('CONFLICT', ['baseModel', 'minimalistic'], `${name} has no minimalistic form`, { hint })
  } else if (!model.alphas) {
    if (baseModel.alpha === undefined) return
    report('CONFLICT', path, `${name} has no alpha`, { hint: 'take alpha out' })
  } else if (weights === 'imagenet' && !publishedWeights({ name, alpha, minimalistic })) {
    const there = model.alphas.filter((a) => publishedWeights({ name, alpha: a, minimalistic }))
    const form = minimalistic ? `${name}, minimalistic,` : name
    const message = `${form} has weights of ImageNet for alpha ${there.join(', ')}, got ${alpha}`
    report('WRONG_VALUE', path, message)
  }
}

function flow(preprocessing: object): string {
  const parts = Object.entries(preprocessing).map(
    ([key, value]) => `${key}: ${JSON.stringify(value)}`,
  )
  return `{${parts.join(', ')}}`.replaceAll('"', '').replaceAll(',', ', ').replaceAll(',  ', ', ')
}

/** A model file seldom says what was done to the pictures that it was trained on. */
function noteUnknown({ pipeline: { baseModel }, known, report }: CheckedModel): void {
  if (isNamed(baseModel) || !known?.stored || known.preprocessing) return
  if (rescalesInside(known.stored)) return
  const message = `${modelName(baseModel)} does not say how its pictures were prepared: it gets 0..255 as they are`
  const hint =
    'write preprocessing, for instance {rescale: 1/255} or {mode: tf}, or {mode: none} if that is right'
  report('NOTE', ['baseModel', sourceKey(baseModel)], message, { hint, severity: 'warning' })
}

/** Whether a network that a file brings begins with layers that rescale what they get. */
function rescalesInside({ layers, input }: Pick<StoredGraph, 'layers' | 'input'>): boolean {
  const first = layers.find((layer) => layer.inputs[0] === input)
  // As layers of random pictures are.
  const isIdle = (first?.config as { activation?: string } | undefined)?.activation === 'linear'
  if (first?.kind === 'Activation' && isIdle) return rescalesInside({ layers, input: first.name })
  return first !== undefined && RESCALING.has(first.kind)
}

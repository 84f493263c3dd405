import type { LayerGraph } from '../models/layer-graph.ts'
import { didYouMean } from '../util/suggest.ts'
import { isNamed } from './base-model.ts'
import type { Checked } from './check.ts'
import { short } from './check.ts'
import type { HeadLayer, Pipeline } from './pipeline.ts'
import { lastActivation } from './resolve.ts'

/** Something has to be trained. */
export function checkHeadIsThere({ pipeline, isWritten, report }: Checked): void {
  if (pipeline.head.length > 0 || isWritten(['prediction'])) return
  const { baseModel } = pipeline
  if (baseModel && 'includeTop' in baseModel && baseModel.includeTop) return
  const hint =
    'for instance head: [GlobalAveragePooling2D, {Dense: {units: classes, activation: softmax}}]'
  if (isWritten(['head']))
    report('WRONG_VALUE', ['head'], 'head is empty: nothing would be trained', { hint })
  else report('MISSING_KEY', [], 'the file needs the key "head"', { hint })
}

/** Layers that want [height, width, channels], and layers that want a row of features, in their order. */
export function checkHead({ pipeline, layers, report }: Checked): void {
  const { head } = pipeline
  const trunk = trunkEnd(pipeline, layers)
  if (!trunk) return
  let { isImage } = trunk
  const flatten = { hint: 'put GlobalAveragePooling2D or Flatten before it' }
  for (const [i, layer] of head.entries()) {
    const name = typeof layer === 'string' ? layer : Object.keys(layer)[0]!
    if (name.startsWith('Global')) {
      if (!isImage) {
        const before = i > 0 ? 'the layers before it' : trunk.what
        report('CONFLICT', ['head', i], `${name} needs rows and columns, and ${before} left none`, {
          hint: `take ${name} out`,
        })
        return
      }
      isImage = false
    } else if (name === 'Flatten') {
      isImage = false
    } else if (name === 'Dense' && isImage) {
      report(
        'CONFLICT',
        ['head', i],
        'Dense needs one row of features, and the trunk gives rows and columns of them',
        flatten,
      )
      return
    }
  }
  if (isImage && head.length > 0) {
    report(
      'CONFLICT',
      ['head'],
      'the head ends in rows and columns of features, not in classes',
      flatten,
    )
  }
}

/** Whether the trunk gives rows and columns, and what it is where it does not; undefined where its layers are not known. */
function trunkEnd(
  { baseModel }: Pipeline,
  layers: LayerGraph | undefined,
): { readonly isImage: boolean; readonly what: string } | undefined {
  if (isNamed(baseModel)) {
    const { includeTop, pooling } = baseModel
    const what = includeTop ? 'the base model with its top' : `baseModel.pooling ${pooling}`
    return { isImage: !includeTop && pooling === 'none', what }
  }
  if (!layers) return undefined
  const { name, outputShape } = layers.output
  return { isImage: outputShape.length === 3, what: `the base model's ${name}` }
}

const WANTED = {
  BinaryCrossentropy: 'sigmoid',
  CategoricalCrossentropy: 'softmax',
  SparseCategoricalCrossentropy: 'softmax',
} as const

/** The losses are computed on what stands before the last activation, so that activation has to be theirs. */
export function checkLoss({ pipeline, report }: Checked): void {
  const { head, loss } = pipeline
  if (head.length === 0) return
  const activation = lastActivation(head)
  const end = lastPath(head)
  // No loss is written and the head does not tell one.
  if (loss === undefined) {
    const ends = activation === undefined ? 'no activation' : activation
    const hint = 'end the head in activation: softmax, or with one unit for two classes in sigmoid'
    report('CONFLICT', end, `the head ends in ${ends}, and no loss follows from that`, { hint })
    return
  }
  const wanted = WANTED[loss.name]
  if (activation === wanted) return
  const other =
    activation === 'sigmoid'
      ? 'BinaryCrossentropy'
      : activation === 'softmax'
        ? 'CategoricalCrossentropy'
        : undefined
  const hint = other
    ? `write loss: ${other}, or end the head in ${wanted}`
    : `end the head in activation: ${wanted}`
  report(
    'CONFLICT',
    ['loss'],
    `${loss.name} needs a head that ends in ${wanted}, got ${activation ?? 'no activation'}`,
    { hint },
  )
}

/** The last layer's units against the number of classes, as far as that is known. */
export function checkUnits({ pipeline, classes, report }: Checked): void {
  const { head, loss } = pipeline
  const i = head.findLastIndex((layer) => typeof layer === 'object' && 'Dense' in layer)
  const layer = head[i]
  if (typeof layer !== 'object' || !('Dense' in layer)) return
  const path = ['head', i, 'Dense', 'units']
  const { units } = layer.Dense
  const activation = lastActivation(head)
  if (activation === 'softmax' && units === 1) {
    report('CONFLICT', path, 'softmax over one unit is always 1', {
      hint: 'write units: classes, or activation: sigmoid',
    })
    return
  }
  if (!classes || loss === undefined) return
  const count = units === 'classes' ? classes.length : units
  const binary = loss.name === 'BinaryCrossentropy'
  if (count === classes.length || (binary && count === 1 && classes.length === 2)) return
  const wants = binary && classes.length === 2 ? '1 or 2' : `${classes.length}`
  const message = `the last layer has ${count} ${count === 1 ? 'unit' : 'units'}, but there are ${classes.length} classes (${short(classes)})`
  report('WRONG_VALUE', path, message, {
    hint: `write units: ${binary && count === 1 ? `classes, activation: softmax` : wants}${binary ? '' : ', or units: classes'}`,
  })
}

function lastPath(head: Pipeline['head']): (string | number)[] {
  const last: HeadLayer | undefined = head.at(-1)
  const name = typeof last === 'object' ? Object.keys(last)[0] : undefined
  return ['head', head.length - 1, ...(name === undefined ? [] : [name])]
}

/** Weights are for classes that are there. */
export function checkClassWeight({ pipeline, classes, report }: Checked): void {
  const { classWeight } = pipeline.training
  if (typeof classWeight === 'string' || !classes) return
  for (const name of Object.keys(classWeight)) {
    if (classes.includes(name)) continue
    const hint = didYouMean(name, classes) ?? `the classes are ${short(classes)}`
    report('WRONG_VALUE', ['training', 'classWeight', name], `there is no class "${name}"`, {
      hint,
    })
  }
}

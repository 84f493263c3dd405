import { readFile } from 'node:fs/promises'
import { checkedLabels, imagenetLabels, parseLabels } from '../models/labels.ts'
import { outputsOf } from '../prediction/classifier.ts'
import { PipelineError } from '../util/diagnostic.ts'
import { isErrno } from '../util/files.ts'
import { isNamed, modelName, sourceKey } from './base-model.ts'
import type { CheckedModel } from './check.ts'
import type { PredictionPipeline } from './pipeline.ts'

type CheckedPrediction = CheckedModel & { readonly pipeline: PredictionPipeline }

/** What predicts is the whole model. */
export function checkTop({ pipeline: { baseModel }, report }: CheckedModel): void {
  if (!('includeTop' in baseModel) || baseModel.includeTop) return
  const what = isNamed(baseModel) ? 'its classifier' : 'the head of its run'
  const message = `without ${what} ${modelName(baseModel)} has no classes to predict`
  report('CONFLICT', ['baseModel', 'includeTop'], message, { hint: 'take includeTop out' })
}

/** Probabilities of probabilities would be wrong and look right. */
export function checkActivation({ pipeline, model, layers, report }: CheckedPrediction): void {
  const { baseModel, prediction } = pipeline
  if (prediction.activation === 'none') return
  // Every top of keras.applications ends in a softmax.
  const own = model ? 'softmax' : lastActivation(layers)
  if (own !== 'softmax' && own !== 'sigmoid') return
  const message = `${modelName(baseModel)} ends in a ${own} of its own: its outputs are probabilities already`
  report('CONFLICT', ['prediction', 'activation'], message, { hint: 'take activation out' })
}

function lastActivation(layers: CheckedModel['layers']): unknown {
  const config = layers?.output.config
  return config && 'activation' in config ? config.activation : undefined
}

/** As many labels as outputs, where either is known before anything runs. */
export async function checkLabels(checked: CheckedPrediction): Promise<void> {
  const { pipeline, model, layers, known, report } = checked
  const { baseModel, prediction } = pipeline
  const name = modelName(baseModel)
  const isOpen = isNamed(baseModel) ? !model : !known
  if (isOpen) return
  if (prediction.labels === undefined) {
    if (known?.labels ?? 'run' in baseModel) return
    const hint = 'for instance labels: imagenet, or a file with one a line'
    report('MISSING_KEY', ['prediction', 'labels'], `${name} does not say what its outputs are`, {
      hint,
    })
    return
  }
  try {
    const outputs = model?.classes ?? (layers && outputsOf(layers, name))
    const labels =
      prediction.labels === 'imagenet' ? undefined : await readLabels(prediction.labels)
    if (outputs === undefined) return
    if (labels) checkedLabels(labels, outputs, { model: name, labels: prediction.labels })
    else await imagenetLabels(outputs, name)
  } catch (error) {
    if (!(error instanceof PipelineError)) throw error
    for (const { code, message, hint } of error.diagnostics) {
      const isModel = message.includes('not in a row of classes') && !isNamed(baseModel)
      const path = isModel ? ['baseModel', sourceKey(baseModel)] : ['prediction', 'labels']
      report(code, path, message, { hint })
    }
  }
}

async function readLabels(path: string): Promise<string[]> {
  const text = await readFile(path, 'utf8').catch((cause: unknown) => {
    if (!isErrno(cause, 'ENOENT', 'EISDIR', 'EACCES', 'ENOTDIR')) throw cause
    const [message, hint] = [`there is no file ${path}`, 'labels: imagenet, or a file of text']
    throw new PipelineError([{ code: 'FILE_NOT_FOUND', message, hint }], { cause })
  })
  return parseLabels(text)
}

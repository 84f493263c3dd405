import { dirname, relative, sep } from 'node:path'
import { commonFolder } from '../data/find-images.ts'
import { isFolder } from '../data/index-source.ts'
import type { Stage } from '../graph/stage.ts'
import { isGlob } from '../util/glob.ts'
import { modelName } from './base-model.ts'
import { pictureParams, weightStages } from './data-stages.ts'
import type { PredictionPipeline } from './pipeline.ts'
import type { ResolveOptions } from './stages.ts'
import { architectureOf, modelParams, numericsOf, preprocessingOf } from './training-stages.ts'

/** The stages of a file without training: the model's, and one that predicts. */
export function predictionStages(pipeline: PredictionPipeline, options: ResolveOptions): Stage[] {
  const { dataset, prediction, baseModel } = pipeline
  const { images, labels, activation, top } = prediction
  const { engine, pixelNumerics, known } = options
  const isFile = labels !== undefined && labels !== 'imagenet'
  const predict: Stage = {
    id: 'predict',
    kind: 'predict',
    params: {
      model: modelParams(pipeline),
      preprocessing: preprocessingOf(pipeline),
      input: pictureParams(dataset),
      labels: isFile ? 'file' : (labels ?? [...(known?.labels ?? [])]),
      activation,
      top,
    },
    needs: { weights: 'weights', ...architectureOf(pipeline) },
    hints: {
      ...imagePlaces(images),
      model: modelName(baseModel),
      ...(isFile ? { labels } : {}),
    },
    numerics: { ...numericsOf(pipeline, engine), ...pixelNumerics },
  }
  return [...weightStages(pipeline, options), predict]
}

/**
 * The folder that all of the places share, and the places as seen from there: a picture's name is the same wherever the
 * project lies, and in the resolved.yaml of a run.
 */
export function imagePlaces(images: readonly string[]): { folder: string; images: string[] } {
  const folder = commonFolder(images.map(beginning))
  const seen = (path: string) => relative(folder, path).split(sep).join('/') || '.'
  return { folder, images: images.map(seen) }
}

/** What of a place no pattern has a say in, as a path in the folder that is looked into. */
function beginning(image: string): string {
  if (isFolder(image)) return `${image}/.`
  let path = image
  while (isGlob(dirname(path))) path = dirname(path)
  return path
}

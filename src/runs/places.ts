import { dirname, relative } from 'node:path'
import { hubHandle } from '../data/sources/hub.ts'
import { isNamed, modelName, sourceKey } from '../pipeline/base-model.ts'
import type { BaseModel, Pipeline, PredictionPipeline } from '../pipeline/pipeline.ts'

/** How the places that a pipeline names are written in a run: paths of this machine, and addresses. */
export interface Places {
  /** Gets an absolute path. */
  readonly path: (path: string) => string
  readonly url: (url: string) => string
}

/** Paths as seen from a folder, POSIX; an address loses its query, which may hold a key. */
export function placesFrom(folder: string): Places {
  const path = (path: string) => relative(folder, path).split('\\').join('/') || '.'
  return { path, url: (url) => url.replace(/[?#].*$/, '') }
}

/**
 * The same wherever the project lies, and for a pipeline file and the resolved.yaml of its run: what is below the
 * folder of `runs` is seen from there, what is elsewhere is named as it is.
 */
export function placesOfProject(runs: string): Places {
  const near = placesFrom(dirname(runs))
  const path = (absolute: string) => {
    const seen = near.path(absolute)
    return seen.startsWith('..') ? absolute : seen
  }
  return { ...near, path }
}

/** The pipeline with its places written in this way. */
export function withPlaces(pipeline: Pipeline, places: Places): Pipeline {
  const { dataset, baseModel } = pipeline
  const { layout } = dataset
  const { path } = places
  return {
    ...pipeline,
    dataset: {
      ...dataset,
      source: turned(dataset.source, places),
      layout:
        layout === 'folders' ? layout : { csv: { ...layout.csv, file: path(layout.csv.file) } },
    },
    baseModel: modelPlace(baseModel, path, (source) => turned(source, places)),
  }
}

/** The same of a file without training. */
export function withPlacesOfPrediction(
  pipeline: PredictionPipeline,
  { path, url }: Places,
): PredictionPipeline {
  const { baseModel, prediction } = pipeline
  const { images, labels } = prediction
  const isFile = labels !== undefined && labels !== 'imagenet'
  return {
    ...pipeline,
    baseModel: modelPlace(baseModel, path, (source) => turned(source, { path, url })),
    prediction: {
      ...prediction,
      images: images.map(path),
      ...(isFile ? { labels: path(labels) } : {}),
    },
  }
}

function turned<T extends object>(source: T, { path, url }: Places): T {
  if ('path' in source) return { ...source, path: path(source.path as string) }
  return 'url' in source ? { ...source, url: url(source.url as string) } : source
}

function modelPlace(
  baseModel: BaseModel,
  path: Places['path'],
  turned: <T extends object>(source: T) => T,
): BaseModel {
  if (isNamed(baseModel)) {
    const { weights } = baseModel
    return { ...baseModel, weights: typeof weights === 'string' ? weights : turned(weights) }
  }
  if ('hub' in baseModel) return { ...baseModel, hub: hubHandle(baseModel.hub) }
  if ('run' in baseModel) return baseModel
  const key = sourceKey(baseModel)
  return { ...baseModel, [key]: path(modelName(baseModel)) }
}

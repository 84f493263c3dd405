import { join } from 'node:path'
import { execute, type ExecuteOptions } from '../graph/execute.ts'
import type { Store } from '../graph/store.ts'
import type { EngineInfo } from '../engines/engine.ts'
import { buildBaseModel } from '../models/base-model.ts'
import { imagenetLabels } from '../models/labels.ts'
import { baseModel } from '../models/published.ts'
import { weightStages } from '../pipeline/data-stages.ts'
import { modelOptions } from '../pipeline/model-options.ts'
import type { NamedModel } from '../pipeline/pipeline.ts'
import { outputsOf, type Classifier } from '../prediction/classifier.ts'
import { openEnvironment } from '../stages/environment.ts'
import { stageKinds } from '../stages/table.ts'
import { loadWeights, WEIGHTS_FILE } from '../stages/weight-files.ts'
import { loadRunModel, pixelParams, type RunInput } from './load-model.ts'
import type { StoredRun } from './read.ts'

/** How pictures are read where nothing says it: as a pipeline file does that leaves these keys out. */
export const DEFAULT_INPUT: Omit<RunInput, 'imageSize'> = {
  resize: { library: 'pillow', method: 'bilinear' },
  fit: 'stretch',
  colorMode: 'rgb',
  transparency: 'white',
  exif: false,
}

/** The model of a run, with its head. Throws what `loadRunModel` does. */
export async function runClassifier(run: StoredRun, store: Store): Promise<Classifier> {
  const { graph, weights, preprocessing, classes, input } = await loadRunModel(run, store)
  const params = pixelParams(input)
  return { graph, weights, preprocessing, input: params, activation: 'none', labels: classes }
}

/**
 * A base model of the catalogue with its top and ImageNet's weights, which come through the same stages as in pipelines:
 * what is in the store is not fetched again. Throws what those stages do.
 */
export async function namedClassifier(
  name: string,
  store: Store,
  options: Pick<ExecuteOptions, 'signal' | 'emit'> & {
    readonly offline: boolean
    readonly engine: EngineInfo
  },
): Promise<Classifier> {
  const model = baseModel(name)
  const imageSize = [model.inputSize, model.inputSize] as const
  const named: NamedModel = { name, weights: 'imagenet', includeTop: true, pooling: 'none' }
  const part = { baseModel: named, dataset: { imageSize } }
  const { offline, engine, ...how } = options
  const stages = weightStages(part, { engine, seed: 0, pixelNumerics: {}, offline, pin: false })
  const environment = openEnvironment(() => Promise.reject(new TypeError('weights need no engine')))
  const kinds = stageKinds(environment)
  const artifacts = await execute(stages, kinds, store, { ...how, jobs: 1, want: ['weights'] })
  const graph = buildBaseModel(modelOptions(named, imageSize))
  return {
    graph,
    weights: await loadWeights(join(artifacts.get('weights')!.path, WEIGHTS_FILE)),
    preprocessing: model.preprocessing,
    input: pixelParams({ ...DEFAULT_INPUT, imageSize }),
    activation: 'none',
    labels: await imagenetLabels(outputsOf(graph, name), name),
  }
}

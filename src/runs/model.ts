import { buildBaseModel } from '../models/base-model.ts'
import type { HeadLayer } from '../models/head.ts'
import type { Pipeline } from '../pipeline/pipeline.ts'
import { headGraph } from '../training/head-program.ts'
import { splitHead } from '../training/tail.ts'
import type { Digest } from '../util/digest.ts'
import { sizeOf } from '../program/program.ts'
import type { Json } from '../util/json.ts'
import { placesFrom, withPlaces } from './places.ts'
import type { Prepared } from './prepare.ts'

/** Values of the whole model, and of those that training changes by gradients. */
export function parameterCounts(
  pipeline: Pipeline,
  classes: number,
): { total: number; trainable: number } {
  const { layers } = headOf(pipeline, classes)
  const trunk = buildBaseModel(modelOptions(pipeline))
  const count = (of: typeof layers, only: boolean) =>
    of
      .flatMap((layer) => layer.weights)
      .filter((weight) => weight.trainable || !only)
      .reduce((sum, weight) => sum + sizeOf(weight.shape), 0)
  const head = count(layers, false)
  return { total: count(trunk.layers, false) + head, trainable: count(layers, true) }
}

/**
 * model.json of a run: what is needed beside the weights to use the model. The untouched trunk stands by name and source;
 * nothing of this machine is in it.
 */
export function modelDescription(
  { pipeline }: Prepared,
  trunk: Digest | undefined,
  classes: readonly string[],
): Json {
  // The folder has no say: local files are not named at all.
  const { baseModel, dataset, preprocessing, head } = withPlaces(pipeline, placesFrom('/'))
  const { weights } = baseModel
  const source = typeof weights === 'object' && 'path' in weights ? 'a local file' : weights
  return {
    format: 1,
    baseModel: { ...baseModel, weights: source, ...(trunk ? { digest: trunk } : {}) } as Json,
    input: {
      imageSize: dataset.imageSize,
      resize: { ...dataset.resize },
      fit: dataset.fit,
      colorMode: dataset.colorMode,
      transparency: dataset.transparency,
      exif: dataset.exif,
    },
    preprocessing: preprocessing as Json,
    head: head as unknown as Json,
    weights: 'model.safetensors',
    classes,
  }
}

function headOf(pipeline: Pipeline, classes: number): ReturnType<typeof headGraph> {
  const { tail, rest } = splitHead(pipeline.head as readonly HeadLayer[])
  return headGraph({ model: modelOptions(pipeline), tail, head: rest, classes })
}

function modelOptions({ baseModel, dataset }: Pipeline) {
  const { name, includeTop, pooling, alpha } = baseModel
  return { name, includeTop, pooling, alpha, inputShape: [...dataset.imageSize, 3] }
}

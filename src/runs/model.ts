import type { HeadLayer } from '../models/head.ts'
import type { Layer, WeightSpec } from '../models/layer-graph.ts'
import { phaseSettings } from '../pipeline/phase-settings.ts'
import { isNamed, namedModel, sourceKey } from '../pipeline/base-model.ts'
import type { BaseModel, Weights } from '../pipeline/pipeline.ts'
import { wholeModel } from '../training/model.ts'
import type { Digest } from '../util/digest.ts'
import { sizeOf } from '../program/program.ts'
import type { Json } from '../util/json.ts'
import { placesFrom, withPlaces } from './places.ts'
import type { Prepared } from './prepare.ts'

/** Values of the whole model, and of those that training changes by gradients. */
export function parameterCounts(
  {
    pipeline,
    model = namedModel(pipeline),
  }: Pick<Prepared, 'pipeline'> & Partial<Pick<Prepared, 'model'>>,
  classes: number,
): { total: number; trainable: number } {
  const { freeze } = phaseSettings(pipeline).at(-1)!
  const head = pipeline.head as readonly HeadLayer[]
  const { graph, trained } = wholeModel({ model, head, freeze, classes })
  const count = (layers: readonly Layer[], isCounted: (weight: WeightSpec) => boolean) =>
    layers
      .flatMap((layer) => layer.weights)
      .filter(isCounted)
      .reduce((sum, weight) => sum + sizeOf(weight.shape), 0)
  return {
    total: count(graph.layers, () => true),
    trainable: count(trained, (weight) => weight.trainable),
  }
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
  return {
    format: 1,
    baseModel: { ...described(baseModel), ...(trunk ? { digest: trunk } : {}) } as Json,
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

/** Where it came from; of a local file only that it was one. */
function described(baseModel: BaseModel): BaseModel {
  if (!isNamed(baseModel)) {
    const key = sourceKey(baseModel)
    return key === 'hub' || key === 'run' ? baseModel : { ...baseModel, [key]: 'a local file' }
  }
  const { weights } = baseModel
  const isLocal = typeof weights === 'object' && 'path' in weights
  return isLocal ? { ...baseModel, weights: 'a local file' as unknown as Weights } : baseModel
}

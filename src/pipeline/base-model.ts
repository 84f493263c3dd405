import type { ModelChoice } from '../models/base-model.ts'
import type { StoredGraph } from '../models/stored-graph.ts'
import type { Diagnostic } from '../util/diagnostic.ts'
import { modelOptions } from './model-options.ts'
import type {
  BaseModel,
  Dataset,
  ImportedModel,
  NamedModel,
  Pipeline,
  Preprocessing,
} from './pipeline.ts'

/** What is known of a base model that a file brings before anything runs. */
export interface KnownModel {
  /** Its layers; undefined where only a download tells. */
  readonly stored?: StoredGraph | undefined
  /** Of the pictures it was trained on, or takes. */
  readonly imageSize?: readonly [number, number] | undefined
  /** What it was trained with. */
  readonly preprocessing?: Preprocessing | undefined
  /** The names of its outputs, where it brings them. */
  readonly labels?: readonly string[] | undefined
  /** What its file says that is left out. */
  readonly notes?: readonly Diagnostic[] | undefined
  /** Of a run: its id, and the files that hold its weights, later ones before earlier ones. */
  readonly run?: { readonly id: string; readonly files: readonly string[] } | undefined
}

/** How a pipeline finds the run that `baseModel: {run: …}` names. Throws UNKNOWN_RUN. */
export type FindRunModel = (
  reference: string,
  options: { readonly includeTop: boolean },
) => Promise<KnownModel>

export function isNamed(baseModel: BaseModel): baseModel is NamedModel {
  return 'name' in baseModel
}

/** The one key that says where an imported model comes from: `keras`, `run`. */
export function sourceKey(
  baseModel: ImportedModel,
): 'hub' | 'savedModel' | 'keras' | 'tfjs' | 'run' {
  for (const key of ['hub', 'savedModel', 'keras', 'tfjs'] as const)
    if (key in baseModel) return key
  return 'run'
}

/** What a message calls it. */
export function modelName(baseModel: BaseModel): string {
  if (isNamed(baseModel)) return baseModel.name
  return String((baseModel as unknown as Record<string, unknown>)[sourceKey(baseModel)])
}

/** What of a pipeline says what its base model is. */
export interface ModelPart {
  readonly baseModel: BaseModel
  readonly dataset: Pick<Dataset, 'imageSize'>
}

/** The base model on the pipeline's pictures; undefined where its layers are not known yet. */
export function modelOf(
  { baseModel, dataset }: ModelPart,
  stored?: StoredGraph,
): ModelChoice | undefined {
  if (isNamed(baseModel)) return modelOptions(baseModel, dataset.imageSize)
  const inputShape = [...dataset.imageSize, 3]
  const output = cutOf(baseModel)
  return stored && { stored, inputShape, output }
}

/** The layer of a model file that the trunk ends with. */
export function cutOf(baseModel: ImportedModel): string | undefined {
  return 'keras' in baseModel || 'tfjs' in baseModel ? baseModel.output : undefined
}

/** For pipelines whose base model has a name. */
export function namedModel(pipeline: Pipeline): ModelChoice {
  const model = modelOf(pipeline)
  if (!model) throw new TypeError(`the layers of ${modelName(pipeline.baseModel)} are not known`)
  return model
}

import { join } from 'node:path'
import { rememberedDigest } from '../data/file-digest.ts'
import type { StageContext, StageKind } from '../graph/stage.ts'
import { baseModel, buildBaseModel, imagenetWeights } from '../models/base-model.ts'
import type { LayerGraph, WeightMap } from '../models/layer-graph.ts'
import { initialize } from '../models/weights/initializers.ts'
import { readWeights } from '../models/weights/read.ts'
import { digestOf } from '../util/digest.ts'
import { readSafetensors, writeSafetensors, type NamedTensor } from '../util/safetensors.ts'

export interface WeightsParams {
  readonly name: string
  readonly includeTop: boolean
  readonly alpha: number
  /** `initial`: Keras' initializers from the stage's seed; `file`: the input `file`, or `hints.path`. */
  readonly from: 'initial' | 'file'
  /** Of the file inside the input `file`. */
  readonly file?: string | undefined
}

export interface WeightsHints {
  /** A local weights file, absolute. */
  readonly path?: string | undefined
  /** What messages call the file: as the pipeline names it. */
  readonly label?: string | undefined
}

export const WEIGHTS_FILE = 'weights.safetensors'

/** Turns a weights file of any format into one format with Keras' names; refuses a file of another model. */
export const WEIGHTS: StageKind = {
  kind: 'weights',
  version: 1,
  describe: "read the base model's weights, or draw initial ones",
  probe: async (stage, { state }) => {
    const { path } = (stage.hints ?? {}) as WeightsHints
    return path === undefined ? digestOf('') : rememberedDigest(path, state)
  },
  run: async (context) => {
    const params = context.params as unknown as WeightsParams
    const graph = buildBaseModel(params)
    const values =
      params.from === 'initial'
        ? initialize(graph, context.stage.seed ?? 0)
        : await fromFile(context, params, graph)
    await writeWeights(join(context.out, WEIGHTS_FILE), graph, values)
  },
}

async function fromFile(
  context: StageContext,
  params: WeightsParams,
  graph: LayerGraph,
): Promise<WeightMap> {
  const { path, label } = context.hints as WeightsHints
  const folder = context.inputs['file']?.path
  const file = path ?? join(folder!, params.file ?? 'content')
  const model = baseModel(params.name)
  const source =
    model.alphas && !model.alphas.includes(params.alpha) ? undefined : imagenetWeights(params)
  const module = source && 'module' in source ? source.module : undefined
  return readWeights(file, graph, module, label ?? params.file ?? 'the weights file')
}

/** The layers' weights as safetensors with Keras' names. */
export async function writeWeights(
  path: string,
  { layers }: Pick<LayerGraph, 'layers'>,
  values: WeightMap,
): Promise<void> {
  const tensors = new Map<string, NamedTensor>()
  for (const { name, shape } of layers.flatMap((layer) => layer.weights)) {
    tensors.set(name, { shape, data: values.get(name)! })
  }
  await writeSafetensors(path, tensors)
}

export async function loadWeights(path: string): Promise<WeightMap> {
  const tensors = await readSafetensors(path)
  return new Map([...tensors].map(([name, { data }]) => [name, data]))
}

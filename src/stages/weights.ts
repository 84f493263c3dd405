import { join } from 'node:path'
import { rememberedDigest } from '../data/file-digest.ts'
import type { StageContext, StageKind } from '../graph/stage.ts'
import { publishedWeights } from '../models/published.ts'
import type { LayerGraph, WeightMap } from '../models/layer-graph.ts'
import { digestOf, type Digest } from '../util/digest.ts'
import { canonicalJson } from '../util/json.ts'
import { importModel, probeImported } from './import-model.ts'
import { WEIGHTS_FILE, writeWeights } from './weight-files.ts'

export interface WeightsParams {
  readonly name: string
  readonly includeTop: boolean
  readonly alpha: number
  readonly minimalistic?: boolean | undefined
  /** Only where the weights depend on it: VGG with its top. */
  readonly inputShape?: readonly number[] | undefined
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

/**
 * Turns a weights file of any format into one format with Keras' names; refuses a file of another model. A model without a
 * name brings its layers with it.
 */
export const WEIGHTS: StageKind = {
  kind: 'weights',
  version: 2,
  describe: "read the base model's weights, or draw initial ones",
  probe: async (stage, { state }) => {
    if ('imported' in stage.params) return probeImported(stage, state)
    const { path } = (stage.hints ?? {}) as WeightsHints
    return path === undefined ? digestOf('') : digestOfWeights(path, state)
  },
  run: async (context) => {
    if ('imported' in context.params) return importModel(context)
    const params = context.params as unknown as WeightsParams
    // A probe alone loads no model.
    const { buildBaseModel } = await import('../models/base-model.ts')
    const graph = buildBaseModel(params)
    const values =
      params.from === 'initial'
        ? await initial(context, graph)
        : await fromFile(context, params, graph)
    await writeWeights(join(context.out, WEIGHTS_FILE), graph, values)
  },
}

/** A model.json of tfjs has its values in files beside it. */
async function digestOfWeights(path: string, state: string): Promise<Digest> {
  if (!path.endsWith('.json')) return rememberedDigest(path, state)
  const { tfjsFiles } = await import('../models/files/tfjs.ts')
  const digests: Digest[] = []
  for (const file of await tfjsFiles(path)) digests.push(await rememberedDigest(file, state))
  return digestOf(canonicalJson(digests))
}

async function initial({ stage }: StageContext, graph: LayerGraph): Promise<WeightMap> {
  const { initialize } = await import('../models/weights/initializers.ts')
  return initialize(graph, stage.seed ?? 0)
}

async function fromFile(
  context: StageContext,
  params: WeightsParams,
  graph: LayerGraph,
): Promise<WeightMap> {
  const { path, label } = context.hints as WeightsHints
  const folder = context.inputs['file']?.path
  const file = path ?? join(folder!, params.file ?? 'content')
  const source = publishedWeights(params)
  const module = source && 'module' in source ? source.module : undefined
  const { readWeights } = await import('../models/weights/read.ts')
  return readWeights(file, graph, module, label ?? params.file ?? 'the weights file')
}

import { readdir, stat, writeFile } from 'node:fs/promises'
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { rememberedDigest } from '../data/file-digest.ts'
import type { Stage, StageContext } from '../graph/stage.ts'
import { closedShape } from '../models/files/config-graph.ts'
import type { LayerConfigs } from '../models/layer-graph.ts'
import { rebuildGraph, storedText, type StoredGraph } from '../models/stored-graph.ts'
import type { Shape } from '../program/program.ts'
import { assignByName } from '../models/weights/assign.ts'
import { failure } from '../util/diagnostic.ts'
import { digestOf, type Digest } from '../util/digest.ts'
import { canonicalJson, type Json } from '../util/json.ts'
import { readSafetensors, type NamedTensor } from '../util/safetensors.ts'
import { ARCHITECTURE_FILE } from './model-choice.ts'
import { WEIGHTS_FILE, writeWeights } from './weight-files.ts'

/** Of a weights stage whose base model has no name. */
export interface ImportParams {
  readonly imported: 'run' | 'keras' | 'tfjs' | 'savedModel'
  /** Of a SavedModel. */
  readonly signature?: string | undefined
  readonly output?: string | undefined
  readonly tags?: readonly string[] | undefined
}

export interface ImportHints {
  /** What messages call the model. */
  readonly label: string
  /** A model file, or the folder of a SavedModel; else the input `file` has it. */
  readonly path?: string
  /** Of a run: its layers, and the files with their weights, later ones before earlier ones. */
  readonly stored?: StoredGraph
  readonly files?: readonly string[]
}

/** What is there now of the files that the model is read from. */
export async function probeImported({ params, hints }: Stage, state: string): Promise<Digest> {
  const { imported } = params as unknown as ImportParams
  const {
    stored,
    path,
    files = path === undefined ? [] : await filesOf(path, imported),
  } = hints as unknown as ImportHints
  const digests: Json[] = []
  for (const file of files) digests.push(await rememberedDigest(file, state))
  return digestOf(canonicalJson([digests, (stored ?? null) as unknown as Json]))
}

/** Writes the layers and the values of a model that its files bring. Throws BAD_WEIGHTS and WEIGHTS_MISMATCH. */
export async function importModel(context: StageContext): Promise<void> {
  const { imported } = context.params as unknown as ImportParams
  const { graph: stored, weights } =
    imported === 'run' ? await ofRun(context) : await ofFiles(context, imported)
  await writeFile(join(context.out, ARCHITECTURE_FILE), storedText(stored))
  const graph = rebuildGraph(stored, { inputShape: closedShape(shapeOf(stored)) })
  await writeWeights(join(context.out, WEIGHTS_FILE), graph, weights)
}

/** Of its input, -1 where it is left open. */
function shapeOf({ layers, input }: StoredGraph): Shape {
  const { config } = layers.find(({ name }) => name === input)!
  return (config as LayerConfigs['InputLayer']).shape
}

async function ofRun({ hints }: StageContext) {
  const { stored, files = [], label } = hints as unknown as ImportHints
  const tensors = new Map<string, NamedTensor>()
  for (const file of files) {
    for (const [name, tensor] of await readSafetensors(file)) tensors.set(name, tensor)
  }
  return { graph: stored!, weights: assignByName(rebuildGraph(stored!), tensors, label) }
}

async function ofFiles(
  { inputs, hints, params }: StageContext,
  format: 'keras' | 'tfjs' | 'savedModel',
) {
  const { path, label } = hints as unknown as ImportHints
  const { readModel } = await import('../models/read-model.ts')
  if (format !== 'savedModel') return readModel({ format, path: path! })
  const { signature, output, tags } = params as unknown as ImportParams
  const folder = path ?? (await savedModelWithin(join(inputs['file']!.path, 'files'), label))
  return readModel({ format, path: folder, signature, output, tags })
}

/**
 * The folder of an unpacked archive that holds the SavedModel: its own, or one or two further down. Throws BAD_WEIGHTS
 * where none does.
 */
async function savedModelWithin(folder: string, label: string): Promise<string> {
  let level = [folder]
  for (let depth = 0; depth < 3; depth += 1) {
    const found = level.find((path) => existsSync(join(path, 'saved_model.pb')))
    if (found !== undefined) return found
    const below = await Promise.all(level.map((path) => foldersIn(path)))
    level = below.flat()
  }
  const hint = existsSync(join(folder, 'model.json'))
    ? 'it is a model of TensorFlow.js: name its form for TensorFlow 2'
    : undefined
  throw failure('BAD_WEIGHTS', `${label} is no SavedModel: it has no saved_model.pb`, { hint })
}

async function foldersIn(path: string): Promise<string[]> {
  const entries = await readdir(path, { withFileTypes: true })
  return entries.filter((entry) => entry.isDirectory()).map(({ name }) => join(path, name))
}

/** The file, or those of a folder that belong to a SavedModel; beside tfjs' model.json the files of its weights. */
async function filesOf(path: string, imported: ImportParams['imported']): Promise<string[]> {
  if (imported === 'tfjs') return (await import('../models/files/tfjs.ts')).tfjsFiles(path)
  const isFolder = await stat(path).then(
    (found) => found.isDirectory(),
    () => false,
  )
  if (!isFolder) return [path]
  const variables = join(path, 'variables')
  const shards = await readdir(variables).catch(() => [])
  const graphs = ['saved_model.pb', 'tfhub_module.pb'].map((name) => join(path, name))
  return [
    ...graphs.filter((file) => existsSync(file)),
    ...shards.sort().map((name) => join(variables, name)),
  ]
}

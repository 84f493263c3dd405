import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { rememberedDigest } from '../data/file-digest.ts'
import type { Stage, StageContext } from '../graph/stage.ts'
import { rebuildGraph, type StoredGraph } from '../models/stored-graph.ts'
import { assignByName } from '../models/weights/assign.ts'
import { digestOf, type Digest } from '../util/digest.ts'
import { canonicalJson, stableJson, type Json } from '../util/json.ts'
import { readSafetensors, type NamedTensor } from '../util/safetensors.ts'
import { ARCHITECTURE_FILE } from './model-choice.ts'
import { WEIGHTS_FILE, writeWeights } from './weight-files.ts'

/** Of a weights stage whose base model has no name. */
export interface ImportParams {
  readonly imported: 'run'
}

export interface ImportHints {
  /** What messages call the model. */
  readonly label: string
  /** Of a run: its layers, and the files with their weights, later ones before earlier ones. */
  readonly stored?: StoredGraph
  readonly files?: readonly string[]
}

/** What is there now of the files that the model is read from. */
export async function probeImported({ hints }: Stage, state: string): Promise<Digest> {
  const { stored, files = [] } = hints as unknown as ImportHints
  const digests: Json[] = []
  for (const file of files) digests.push(await rememberedDigest(file, state))
  return digestOf(canonicalJson([digests, (stored ?? null) as unknown as Json]))
}

/** Writes the layers and the values of a model that its files bring. Throws BAD_WEIGHTS and WEIGHTS_MISMATCH. */
export async function importModel(context: StageContext): Promise<void> {
  const { stored, files = [], label } = context.hints as unknown as ImportHints
  const graph = rebuildGraph(stored!)
  const tensors = new Map<string, NamedTensor>()
  for (const file of files) {
    for (const [name, tensor] of await readSafetensors(file)) tensors.set(name, tensor)
  }
  const values = assignByName(graph, tensors, label)
  await writeFile(join(context.out, ARCHITECTURE_FILE), stableJson(stored as unknown as Json))
  await writeWeights(join(context.out, WEIGHTS_FILE), graph, values)
}

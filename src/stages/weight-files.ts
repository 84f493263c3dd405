import { existsSync } from 'node:fs'
import { join } from 'node:path'
import type { Artifact } from '../graph/stage.ts'
import type { Layer, WeightMap } from '../models/layer-graph.ts'
import { readSafetensors, writeSafetensors, type NamedTensor } from '../util/safetensors.ts'

/** The file of a weights artifact. */
export const WEIGHTS_FILE = 'weights.safetensors'

/** Files of a train artifact with weights: what is used, and what training ended with where that is something else. */
export const MODEL_FILE = 'model.safetensors'
export const LAST_FILE = 'last.safetensors'

/** The layers' weights as safetensors with Keras' names. */
export async function writeWeights(
  path: string,
  { layers }: { readonly layers: readonly Layer[] },
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

/** A weights artifact with what a training has made of it in place of its own; either may be missing. */
export async function loadStageWeights(
  weights: Artifact | undefined,
  model: Artifact | undefined,
  file = MODEL_FILE,
): Promise<WeightMap> {
  const base = weights ? await loadWeights(join(weights.path, WEIGHTS_FILE)) : []
  const own = model ? await loadWeights(join(model.path, file)) : []
  return new Map([...base, ...own])
}

/** The file with what a training ended with. */
export function lastFileOf(model: Artifact): string {
  return existsSync(join(model.path, LAST_FILE)) ? LAST_FILE : MODEL_FILE
}

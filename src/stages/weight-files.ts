import type { LayerGraph, WeightMap } from '../models/layer-graph.ts'
import { readSafetensors, writeSafetensors, type NamedTensor } from '../util/safetensors.ts'

/** The file of a weights artifact. */
export const WEIGHTS_FILE = 'weights.safetensors'

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

import { dirname } from 'node:path'
import { mkdir } from 'node:fs/promises'
import h5wasm, { File } from 'h5wasm/node'
import { buildBaseModel } from '../../src/models/base-model.ts'
import type { BaseModelOptions } from '../../src/models/published.ts'
import { madeUpWeights } from '../models/made-up.ts'

/**
 * A legacy Keras weights file of a base model with made-up weights whose outputs are of the size of real ones. (What
 * Keras draws for a model without training gives features of 1e-11 at this depth: nothing learns from them.)
 */
export async function writeTrunk(path: string, options: BaseModelOptions): Promise<void> {
  const graph = buildBaseModel(options)
  const values = madeUpWeights(graph)
  const layers = graph.layers.filter(({ weights }) => weights.length > 0)
  await mkdir(dirname(path), { recursive: true })
  await h5wasm.ready
  const file = new File(path, 'w')
  try {
    file.create_attribute(
      'layer_names',
      layers.map(({ name }) => name),
    )
    for (const { name, weights } of layers) {
      const group = file.create_group(name)
      group.create_attribute(
        'weight_names',
        weights.map((weight) => weight.name),
      )
      // Keras' names bring a folder of their own: Conv1/Conv1/kernel.
      const own = group.create_group(name)
      for (const weight of weights) {
        own.create_dataset({
          name: weight.name.slice(name.length + 1),
          data: values.get(weight.name)!,
          shape: [...weight.shape],
        })
      }
    }
  } finally {
    file.close()
  }
}

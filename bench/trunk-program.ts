import { buildBaseModel } from '../src/models/base-model.ts'
import { defaultPreprocessing } from '../src/models/published.ts'
import { lower } from '../src/models/lower.ts'
import { preprocess } from '../src/models/preprocessing.ts'
import { initialize } from '../src/models/weights/initializers.ts'
import { Builder } from '../src/program/builder.ts'
import type { Program } from '../src/program/program.ts'

/**
 * A base model's frozen trunk with random weights (Keras' initializers, seed 1), from uint8 pixels
 * [batch, height, width, 3] to pooled features: entry `infer`, feed `pixels`, fetch `features`.
 */
export function trunkProgram(name: string, batch: number): Program {
  const graph = buildBaseModel({ name, pooling: 'avg' })
  const b = new Builder()
  const pixels = b.input('pixels', [batch, ...graph.input.outputShape], 'uint8')
  const input = preprocess(b, b.cast(pixels, 'float32'), defaultPreprocessing(name))
  const weights = initialize(graph, 1)
  const { output } = lower(b, graph, { weights, start: { [graph.input.name]: input } })
  b.entry('infer', { fetches: { features: output }, updates: [] })
  return b.program()
}

import { GraphBuilder, layerGraph } from './graph-builder.ts'
import type { LayerGraph } from './layer-graph.ts'
import { baseModel, checked, type BaseModelOptions } from './published.ts'

/**
 * The layers of a base model, as Keras builds it. Throws WRONG_VALUE for an unknown name, a size below the model's
 * least, channels other than 3, and an `alpha` or `minimalistic` that
 * the model does not take.
 */
export function buildBaseModel(options: BaseModelOptions): LayerGraph {
  const model = baseModel(options.name)
  const { inputShape, ...settings } = checked(model, options)
  const g = new GraphBuilder()
  const input = g.input(inputShape)
  const { classes } = model
  const { name, output } = model.architecture(g, input, { ...settings, classes })
  return layerGraph(name, input, output)
}

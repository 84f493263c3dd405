import { Misfit } from '../program/shapes.ts'
import { failure } from '../util/diagnostic.ts'
import { didYouMean } from '../util/suggest.ts'
import { GraphBuilder, layerGraph } from './graph-builder.ts'
import type { LayerGraph } from './layer-graph.ts'
import { rebuildGraph, type StoredGraph } from './stored-graph.ts'
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

/** A network that a file brings with it, on pictures of `inputShape` [height, width, channels]. */
export interface StoredModel {
  readonly stored: StoredGraph
  readonly inputShape?: readonly number[] | undefined
  /** The layer that it is cut behind; default its last one. */
  readonly output?: string | undefined
}

/** A base model: by name, or by what a file brings. */
export type ModelChoice = BaseModelOptions | StoredModel

/** The layers of either. Throws what `buildBaseModel` and `rebuildModel` do. */
export function buildModel(model: ModelChoice): LayerGraph {
  return 'stored' in model ? rebuildModel(model) : buildBaseModel(model)
}

/** Throws WRONG_VALUE for an `output` that is no layer and for pictures that the layers do not take. */
export function rebuildModel({ stored, inputShape, output }: StoredModel): LayerGraph {
  if (output !== undefined && !stored.layers.some(({ name }) => name === output)) {
    const names = stored.layers.map(({ name }) => name)
    throw failure('WRONG_VALUE', `${stored.name} has no layer "${output}"`, {
      hint: didYouMean(output, names) ?? `its last layers are ${names.slice(-3).join(', ')}`,
    })
  }
  try {
    return rebuildGraph(stored, {
      ...(inputShape ? { inputShape } : {}),
      ...(output === undefined ? {} : { output }),
    })
  } catch (cause) {
    if (!(cause instanceof Misfit)) throw cause
    const size = inputShape ? ` on pictures of ${inputShape.join('x')}` : ''
    throw failure('WRONG_VALUE', `${stored.name}${size}: ${cause.message}`, { cause })
  }
}

import { buildModel, type ModelChoice } from '../models/base-model.ts'
import { resolveFreeze, type FreezePolicy } from '../models/freeze.ts'
import { addHead, headLayers, type HeadLayer } from '../models/head.ts'
import type { Layer, LayerGraph } from '../models/layer-graph.ts'
import { definitionOf } from '../models/layers/table.ts'

export interface ModelOptions {
  readonly model: ModelChoice
  readonly head: readonly HeadLayer[]
  readonly freeze: FreezePolicy
  /** What `units: classes` stands for. */
  readonly classes: number
}

/** A trunk with its head, and what training leaves alone in it. */
export interface WholeModel {
  readonly graph: LayerGraph
  readonly trunk: LayerGraph
  /** Names of layers of the trunk. The head is always trained. */
  readonly frozen: ReadonlySet<string>
  /** The layers with weights that training may change, moving averages included; in the graph's order. */
  readonly trained: readonly Layer[]
}

/** Throws what `resolveFreeze` and `addHead` do. */
export function wholeModel({ model, head, freeze, classes }: ModelOptions): WholeModel {
  const trunk = buildModel(model)
  const graph = addHead(trunk, head, classes)
  const names = headLayers(graph, trunk).map((layer) => layer.name)
  const frozen = resolveFreeze(freeze, trunk, names)
  const trained = graph.layers.filter(
    ({ name, kind, weights }) =>
      weights.length > 0 && !frozen.has(name) && definitionOf(kind).fixed !== true,
  )
  return { graph, trunk, frozen, trained }
}

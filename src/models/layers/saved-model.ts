import type { savedModelLayer } from '../saved-model/layer.ts'
import { trainable, ZEROS, type LayerDefinition } from './definition.ts'

/** The importer, once a SavedModel is met: nothing else that builds layers has a use for it. */
let code: typeof savedModelLayer | undefined

/** To be awaited wherever a stored SavedModel comes from, before its network is built. */
export async function loadSavedModels(): Promise<void> {
  code ??= (await import('../saved-model/layer.ts')).savedModelLayer
}

function loaded(): typeof savedModelLayer {
  if (!code) throw new TypeError('a SavedModel is built before loadSavedModels()')
  return code
}

/** A module of TensorFlow Hub, or any SavedModel, as one layer: what hub.KerasLayer is in Keras. */
export const savedModel = {
  defaults: {},
  outputShape: (config, inputs) => loaded().outputShape(config, inputs),
  multiplyAdds: (config, inputs) => loaded().multiplyAdds(config, inputs),
  weights: ({ weights }) =>
    weights.map(({ name, shape, trainable: trains }) => ({
      ...trainable(name, shape, ZEROS),
      trainable: trains,
    })),
  lower: (lowering) => loaded().lower(lowering),
  penalty: (lowering) => loaded().penalty(lowering),
} as const satisfies LayerDefinition<'SavedModel'>

import type { LayerGraph } from './layer-graph.ts'

/**
 * Each layer's position in Keras' `model.layers`, from 0: a nested model's layers have one together, what Keras makes no
 * layer of has none. Where nothing but the input stands outside one nested model, as when a network is cut behind it,
 * the count is that of this model's own `layers`.
 */
export function kerasPositions({ layers }: Pick<LayerGraph, 'layers'>): (number | undefined)[] {
  const nested = new Map<string, number>()
  const whole = onlyModel(layers)
  let next = 0
  return layers.map(({ listed }) => {
    if (listed === 'nowhere') return undefined
    if (listed === undefined || listed.within === whole) return next++
    const known = nested.get(listed.within)
    if (known !== undefined) return known
    nested.set(listed.within, next)
    return next++
  })
}

/** The length of Keras' `model.layers`. */
export function kerasCount(graph: Pick<LayerGraph, 'layers'>): number {
  return Math.max(-1, ...kerasPositions(graph).map((position) => position ?? -1)) + 1
}

function onlyModel(layers: LayerGraph['layers']): string | undefined {
  const owners = layers.flatMap(({ kind, listed }) => {
    if (listed === 'nowhere' || (listed === undefined && kind === 'InputLayer')) return []
    return [listed?.within]
  })
  return owners.every((owner) => owner === owners[0]) ? owners[0] : undefined
}

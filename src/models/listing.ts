import type { LayerGraph } from './layer-graph.ts'

/**
 * Each layer's position in Keras' `model.layers`, from 0: a nested model's layers have one together, what Keras makes no
 * layer of has none.
 */
export function kerasPositions({ layers }: Pick<LayerGraph, 'layers'>): (number | undefined)[] {
  const nested = new Map<string, number>()
  let next = 0
  return layers.map(({ listed }) => {
    if (listed === undefined) return next++
    if (listed === 'nowhere') return undefined
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

import type { HeadLayer } from '../models/head.ts'

/**
 * Layers without weights and chance at the start of a head: where one of them shrinks what is stored, as a pooling
 * does, they are part of the frozen pass.
 */
export type TailLayer = Extract<HeadLayer, string | { readonly Activation: unknown }>

export function tailOf(head: readonly HeadLayer[]): TailLayer[] {
  const end = head.findIndex((layer) => !isTail(layer))
  return head.slice(0, end < 0 ? head.length : end) as TailLayer[]
}

function isTail(layer: HeadLayer): boolean {
  if (typeof layer === 'string') return layer !== 'BatchNormalization'
  return 'Activation' in layer
}

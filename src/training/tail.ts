import type { HeadLayer } from '../models/head.ts'

/** Layers without weights and chance at the start of a head that shrink what is stored: part of the frozen pass. */
export type TailLayer = 'GlobalAveragePooling2D' | 'GlobalMaxPooling2D'

/** The tail of a head, and the layers that are left to train. */
export function splitHead(head: readonly HeadLayer[]): {
  readonly tail: TailLayer | undefined
  readonly rest: readonly HeadLayer[]
} {
  const [first, ...rest] = head
  if (first === 'GlobalAveragePooling2D' || first === 'GlobalMaxPooling2D') {
    return { tail: first, rest }
  }
  return { tail: undefined, rest: head }
}

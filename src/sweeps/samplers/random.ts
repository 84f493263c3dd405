import { stream } from '../../util/rng.ts'
import type { Dimension, Point } from '../domain.ts'
import { drawPoint, everyPoint, freshness, type SuggestOptions } from './points.ts'

/** Draws before the space is listed instead. */
const TRIES = 200

/**
 * A point by the distributions of the dimensions, none of those `taken` (the points of the trials with smaller numbers): a pure
 * function of the space, seed, number and `taken`. Undefined where a finite space has nothing left, or where chance met nothing
 * that is allowed in an infinite one.
 */
export function suggestRandom(
  dimensions: readonly Dimension[],
  taken: readonly Point[],
  options: SuggestOptions,
): Point | undefined {
  const isFresh = freshness(taken, options.isAllowed)
  const random = stream(options.seed, 'sweep-random', options.number)
  for (let attempt = 0; attempt < TRIES; attempt += 1) {
    const point = drawPoint(dimensions, random)
    if (isFresh(point)) return point
  }
  const left = everyPoint(dimensions)?.filter(isFresh) ?? []
  return left.length > 0 ? left[random.below(left.length)] : undefined
}

import { canonicalJson } from '../../util/json.ts'
import type { Stream } from '../../util/rng.ts'
import { drawValue, valuesOf, type Dimension, type Point } from '../domain.ts'

/** What every sampler is told. */
export interface SuggestOptions {
  readonly seed: number
  /** The number of the trial that the point is for. */
  readonly number: number
  /** False for points that the sweep excludes. */
  readonly isAllowed?: (point: Point) => boolean
}

/** Spaces of more points than this are not listed. */
const LISTED = 20_000

/** Every dimension by its own distribution; those that then turn out inactive are left out. */
export function drawPoint(dimensions: readonly Dimension[], random: Stream): Point {
  const drawn = dimensions.map(({ name, domain }) => [name, drawValue(domain, random)] as const)
  return withoutInactive(dimensions, Object.fromEntries(drawn))
}

/**
 * Takes inactive dimensions out, in their order, again until none is left: whether one is active may hang on one that is itself
 * inactive, which is then absent.
 */
export function withoutInactive(dimensions: readonly Dimension[], point: Point): Point {
  const left: Record<string, Point[string]> = { ...point }
  let before: number
  do {
    before = Object.keys(left).length
    for (const { name, isActive } of dimensions) {
      if (name in left && isActive && !isActive(left)) delete left[name]
    }
  } while (Object.keys(left).length < before)
  return left
}

/** Whether a point is allowed and none of those taken. */
export function freshness(
  taken: readonly Point[],
  isAllowed: SuggestOptions['isAllowed'],
): (point: Point) => boolean {
  const keys = new Set(taken.map((point) => canonicalJson(point)))
  return (point) => !keys.has(canonicalJson(point)) && (isAllowed?.(point) ?? true)
}

/** Each point of a space once; undefined where it is not finite or has more than 20,000. */
export function everyPoint(dimensions: readonly Dimension[]): readonly Point[] | undefined {
  let points: Point[] = [{}]
  for (const { name, domain } of dimensions) {
    const values = valuesOf(domain, LISTED)
    if (!values || values.length * points.length > LISTED) return undefined
    points = points.flatMap((point) => values.map((value) => ({ ...point, [name]: value })))
  }
  const distinct = new Map<string, Point>()
  for (const point of points) {
    const active = withoutInactive(dimensions, point)
    distinct.set(canonicalJson(active), active)
  }
  return [...distinct.values()]
}

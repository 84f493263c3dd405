import { canonicalJson } from '../util/json.ts'
import { stream } from '../util/rng.ts'
import type { Dimension } from './domain.ts'
import { bootstrap, growTree, predict, type Samples } from './forest.ts'
import { rankCorrelation, ranks } from './rank-correlation.ts'
import type { Observation } from './samplers/tpe.ts'

export interface Importance {
  readonly name: string
  /** Its share, 0..1; all shares sum to 1, or are 0 where nothing can be told. */
  readonly share: number
  /**
   * Spearman's rank correlation with the metric, of a parameter that is a number in the trials that have it: above 0 where the
   * metric grows with the parameter. Says nothing of an optimum in the middle.
   */
  readonly correlation?: number
}

const TREES = 64
const PERMUTATIONS = 8
/** Of more trials each tree sees a part. */
const BAG = 300

/**
 * How much the metric depends on each parameter: permutation importance in a random forest (Breiman 2001) of 64 trees over the
 * done trials: how much worse the forest predicts the trials that a tree was not grown on when the parameter's values
 * are exchanged between them. Trees see the rank of the metric, so that one diverged trial does not stand above all else; a
 * parameter that a trial lacks is a value of its own. Deterministic; in the order of the dimensions.
 */
export function importances(
  dimensions: readonly Dimension[],
  history: readonly Observation[],
): readonly Importance[] {
  const done = history.filter(
    ({ state, value }) => state === 'done' && value !== undefined && !Number.isNaN(value),
  )
  const values = done.map(({ value }) => value!)
  const losses = exchangeLosses(encode(dimensions, done), dimensions.length)
  const total = losses.reduce((a, b) => a + b, 0)
  return dimensions.map(({ name }, i) => {
    const pairs = done.flatMap(({ point }, k) =>
      typeof point[name] === 'number' ? [[point[name], values[k]!] as const] : [],
    )
    const isNumber = done.every(({ point }) => !(name in point) || typeof point[name] === 'number')
    const correlation = isNumber
      ? rankCorrelation(
          pairs.map(([x]) => x),
          pairs.map(([, y]) => y),
        )
      : undefined
    return {
      name,
      share: total > 0 ? losses[i]! / total : 0,
      ...(correlation !== undefined && { correlation }),
    }
  })
}

/** Numbers as they are (trees only compare them, so a logarithm would change nothing), others by the index of their value. */
function encode(dimensions: readonly Dimension[], done: readonly Observation[]): Samples {
  const columns = dimensions.map(({ name }) => {
    const column = done.map(({ point }) => point[name])
    const isCategory = column.some((value) => value !== undefined && typeof value !== 'number')
    const kinds = [...new Set(column.map((value) => canonicalJson(value ?? null)))]
    return {
      isCategory,
      numbers: column.map((value) => {
        if (isCategory) return value === undefined ? -1 : kinds.indexOf(canonicalJson(value))
        return (value as number | undefined) ?? -Infinity
      }),
    }
  })
  return {
    features: done.map((_, row) => Float64Array.from(columns, ({ numbers }) => numbers[row]!)),
    isCategory: columns.map(({ isCategory }) => isCategory),
    targets: Float64Array.from(ranks(done.map(({ value }) => value!))),
  }
}

/** By feature: the mean rise of the squared error out of the bag, 0 where it falls. */
function exchangeLosses(samples: Samples, count: number): readonly number[] {
  const { features, targets } = samples
  const rises = new Array<number>(count).fill(0)
  if (features.length < 4) return rises
  for (let t = 0; t < TREES; t += 1) {
    const random = stream('importance', t)
    const { bag, out } = bootstrap(features.length, Math.min(features.length, BAG), random)
    const tested = out.slice(0, BAG)
    if (tested.length < 2) continue
    const tree = growTree(samples, bag)
    const error = (row: number, seen: Float64Array) => (predict(tree, seen) - targets[row]!) ** 2
    const before = tested.reduce((sum, row) => sum + error(row, features[row]!), 0)
    for (let feature = 0; feature < count; feature += 1) {
      let after = 0
      for (let k = 0; k < PERMUTATIONS; k += 1) {
        // A rotation: every row gets the value of another.
        const turn = 1 + random.below(tested.length - 1)
        tested.forEach((row, i) => {
          const exchanged = Float64Array.from(features[row]!)
          exchanged[feature] = features[tested[(i + turn) % tested.length]!]![feature]!
          after += error(row, exchanged)
        })
      }
      rises[feature]! += (after / PERMUTATIONS - before) / tested.length
    }
  }
  return rises.map((rise) => Math.max(rise, 0))
}

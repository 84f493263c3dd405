import type { Stream } from '../util/rng.ts'

/**
 * Rows of features as regression trees split them: a number by a threshold, a category (an index) into one value and the others.
 * A number that a row lacks is -Infinity, below all thresholds.
 */
export interface Samples {
  /** [row][feature] */
  readonly features: readonly Float64Array[]
  readonly isCategory: readonly boolean[]
  readonly targets: Float64Array
}

interface Leaf {
  readonly mean: number
}
interface Fork {
  readonly feature: number
  /** Rows with this category, or with a number up to it, go left. */
  readonly at: number
  readonly isCategory: boolean
  readonly left: Tree
  readonly right: Tree
}
export type Tree = Leaf | Fork

/** A regression tree grown until its leaves are pure (Breiman et al. 1984, least squares), of `rows` (indices, repeated ones count). */
export function growTree(samples: Samples, rows: readonly number[]): Tree {
  const split = bestSplit(samples, rows)
  if (!split) {
    return { mean: rows.reduce((sum, row) => sum + samples.targets[row]!, 0) / rows.length }
  }
  const goesLeft = (row: number) => isLeft(split, samples.features[row]![split.feature]!)
  return {
    ...split,
    left: growTree(samples, rows.filter(goesLeft)),
    right: growTree(
      samples,
      rows.filter((row) => !goesLeft(row)),
    ),
  }
}

export function predict(tree: Tree, features: Float64Array): number {
  let node = tree
  while ('feature' in node) node = isLeft(node, features[node.feature]!) ? node.left : node.right
  return node.mean
}

/** `count` rows drawn with replacement, and the rows that were not drawn. */
export function bootstrap(
  total: number,
  count: number,
  random: Stream,
): { readonly bag: readonly number[]; readonly out: readonly number[] } {
  const bag = Array.from({ length: count }, () => random.below(total))
  const drawn = new Set(bag)
  const out = Array.from({ length: total }, (_, row) => row).filter((row) => !drawn.has(row))
  return { bag, out }
}

type Split = Pick<Fork, 'feature' | 'at' | 'isCategory'>

function isLeft({ at, isCategory }: Pick<Split, 'at' | 'isCategory'>, value: number): boolean {
  return isCategory ? value === at : value <= at
}

/** The split that takes most off the sum of squares, undefined where none takes anything. */
function bestSplit({ features, isCategory, targets }: Samples, rows: readonly number[]) {
  const total = rows.reduce((sum, row) => sum + targets[row]!, 0)
  // A sum of squares around the means falls by left^2 / nLeft + right^2 / nRight - total^2 / n.
  const whole = total ** 2 / rows.length
  let best: Split | undefined
  let bestScore = whole + 1e-9 * (1 + whole)
  const consider = (split: Split, left: number, count: number) => {
    const score = left ** 2 / count + (total - left) ** 2 / (rows.length - count)
    if (score > bestScore) [best, bestScore] = [split, score]
  }
  isCategory.forEach((isNamed, feature) => {
    const value = (row: number) => features[row]![feature]!
    const sorted = rows.toSorted((a, b) => {
      const [x, y] = [value(a), value(b)]
      return x < y ? -1 : x > y ? 1 : 0
    })
    let sum = 0
    let from = 0
    let fromSum = 0
    for (let i = 0; i < sorted.length; i += 1) {
      sum += targets[sorted[i]!]!
      const here = value(sorted[i]!)
      const isLast = i + 1 === sorted.length
      const next = isLast ? Infinity : value(sorted[i + 1]!)
      if (here === next) continue
      if (isNamed) {
        const count = i + 1 - from
        if (count < rows.length)
          consider({ feature, at: here, isCategory: true }, sum - fromSum, count)
        from = i + 1
        fromSum = sum
      } else if (!isLast) {
        // Between neighbouring doubles, and above -Infinity, there is no middle.
        const middle = (here + next) / 2
        const at = middle > here && middle < next ? middle : here
        consider({ feature, at, isCategory: false }, sum, i + 1)
      }
    }
  })
  return best
}

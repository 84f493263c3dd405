/**
 * The candidate that a person most likely meant by `word`: the least edit distance (insertions, deletions,
 * substitutions, swaps of neighbours; case counts half), at most a third of the word. Undefined where none is near.
 */
export function closest(word: string, candidates: Iterable<string>): string | undefined {
  let best: string | undefined
  let least = Math.max(1, Math.min(word.length, 100) / 3) + 0.01
  for (const candidate of candidates) {
    // Each letter more costs one: this also keeps endless words off the quadratic part.
    if (Math.abs(word.length - candidate.length) > least) continue
    const distance = editDistance(word, candidate)
    if (distance < least) {
      best = candidate
      least = distance
    }
  }
  return best
}

/** The words `did you mean "x"?`, or nothing. */
export function didYouMean(word: string, candidates: Iterable<string>): string | undefined {
  const best = closest(word, candidates)
  return best === undefined ? undefined : `did you mean "${best}"?`
}

function editDistance(a: string, b: string): number {
  let before: number[] = []
  let previous = Array.from({ length: b.length + 1 }, (_, j) => j)
  for (let i = 1; i <= a.length; i += 1) {
    const row = [i]
    for (let j = 1; j <= b.length; j += 1) {
      const swap = i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1]
      row.push(
        Math.min(
          previous[j]! + 1,
          row[j - 1]! + 1,
          previous[j - 1]! + substitution(a[i - 1]!, b[j - 1]!),
          swap ? before[j - 2]! + 1 : Infinity,
        ),
      )
    }
    before = previous
    previous = row
  }
  return previous[b.length]!
}

function substitution(x: string, y: string): number {
  if (x === y) return 0
  return x.toLowerCase() === y.toLowerCase() ? 0.5 : 1
}

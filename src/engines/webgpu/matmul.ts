/** tfjs' MatMulProgramType. */
const SMALL_OUTPUT = 2

/**
 * tfjs splits long products with few results among threads that add to the same result in whatever order they come: other
 * bytes at every run. For these the program for small results is named, which adds in order; undefined: tfjs chooses right.
 */
export function matMulProgram(
  batch: number,
  [rows, inner, columns]: readonly [number, number, number],
): number | undefined {
  const isSplit = batch === 1 && inner >= 2000 && rows * columns > 128
  const tiles = Math.ceil(rows / 32) * Math.ceil(columns / 32)
  // tfjs' bound is 8, on some GPUs 16, and twice that for few rows.
  return isSplit && tiles <= 32 ? SMALL_OUTPUT : undefined
}

/** Into how many equal parts a long sum of products is cut, to be done side by side and then summed; 1: none. */
export function partsOf(inner: number, results: number): number {
  // Results enough to keep a GPU busy, or nothing to gain.
  if (inner < 2000 || results > 2 ** 15) return 1
  const most = Math.min(Math.floor(inner / 256), Math.ceil(2 ** 18 / results))
  for (let parts = most; parts > 1; parts -= 1) if (inner % parts === 0) return parts
  return 1
}

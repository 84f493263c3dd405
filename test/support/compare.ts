import assert from 'node:assert/strict'

/**
 * Fails unless every difference is at most `tolerance` times the largest finite value wanted (never less than
 * `floor`). Infinities must be met exactly, NaN where NaN is wanted and nowhere else.
 */
export function assertClose(
  got: ArrayLike<number> | undefined,
  want: ArrayLike<number>,
  tolerance: number,
  what: string,
  floor = 1e-30,
): void {
  assert.ok(got, `${what}: nothing came`)
  assert.equal(got.length, want.length, `${what}: length`)
  let largest = floor
  for (let i = 0; i < want.length; i += 1) {
    if (Number.isFinite(want[i]!)) largest = Math.max(largest, Math.abs(want[i]!))
  }
  for (let i = 0; i < want.length; i += 1) {
    const g: number = got[i]!
    const w: number = want[i]!
    if (g === w || Object.is(g, w) || Math.abs(g - w) <= tolerance * largest) continue
    const error = Math.abs(g - w) / largest
    assert.fail(
      `${what}: element ${i} is ${g}, not ${w} (${error.toExponential(1)} of the largest)`,
    )
  }
}

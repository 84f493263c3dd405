import type { Stream } from '../../src/util/rng.ts'

/** Standard normal numbers. */
export function normals(random: Stream, size: number, scale = 1): Float32Array {
  return Float32Array.from({ length: size }, () => random.normal() * scale)
}

/** n rows of c, each with a single 1. */
export function oneHots(random: Stream, n: number, c: number): Float32Array {
  const rows = new Float32Array(n * c)
  for (let i = 0; i < n; i += 1) rows[i * c + random.below(c)] = 1
  return rows
}

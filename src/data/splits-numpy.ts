/**
 * numpy's legacy `RandomState(seed).shuffle` of a list, bit for bit: MT19937 (Matsumoto and Nishimura 1998)
 * seeded by `init_genrand`, and Fisher-Yates with masked rejection (numpy/random/mtrand.pyx, `random_interval`).
 * Returns a new list; the seed is 0..2^32-1.
 */
export function kerasShuffle<T>(list: readonly T[], seed: number): T[] {
  const next = mt19937(seed)
  const result = [...list]
  for (let i = result.length - 1; i > 0; i -= 1) {
    const mask = 2 ** (32 - Math.clz32(i)) - 1
    let j = (next() & mask) >>> 0
    while (j > i) j = (next() & mask) >>> 0
    const swap = result[i]!
    result[i] = result[j]!
    result[j] = swap
  }
  return result
}

/** The generator's 32-bit outputs, as unsigned numbers. */
export function mt19937(seed: number): () => number {
  const state = new Uint32Array(624)
  state[0] = seed
  for (let i = 1; i < 624; i += 1) {
    const previous = state[i - 1]! ^ (state[i - 1]! >>> 30)
    state[i] = Math.imul(1812433253, previous) + i
  }
  let position = 624
  return () => {
    if (position === 624) {
      twist(state)
      position = 0
    }
    let y = state[position]!
    position += 1
    y ^= y >>> 11
    y ^= (y << 7) & 0x9d2c5680
    y ^= (y << 15) & 0xefc60000
    return (y ^ (y >>> 18)) >>> 0
  }
}

function twist(state: Uint32Array): void {
  for (let i = 0; i < 624; i += 1) {
    const y = (state[i]! & 0x80000000) | (state[(i + 1) % 624]! & 0x7fffffff)
    state[i] = state[(i + 397) % 624]! ^ (y >>> 1) ^ ((y & 1) === 0 ? 0 : 0x9908b0df)
  }
}

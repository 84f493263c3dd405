/**
 * Counter-based randomness: every draw is a pure function of a key (seed, purpose, epoch, item ...),
 * so it depends on no order, batch size or number of workers, and a resumed run draws what the undisturbed
 * one would have drawn. The generator is Philox4x32-10 (Salmon et al. 2011, "Parallel random numbers:
 * as easy as 1, 2, 3"), keyed by a 64-bit hash of the key's parts.
 */
export interface Stream {
  /** Uniform on 0..2^32-1. */
  uint32(): number
  /** Uniform on [0, 1) with 24 bits, so that the value is the same in float32. */
  uniform(): number
  /** Standard normal (Box-Muller, 53-bit arithmetic). */
  normal(): number
  /** Uniform on 0..n-1, without modulo bias. */
  below(n: number): number
}

export function stream(...key: readonly (string | number)[]): Stream {
  const [k0, k1] = hashKey(key)
  const block = new Uint32Array(4)
  let counter = 0
  let left = 0
  let spare: number | undefined
  const uint32 = (): number => {
    if (left === 0) {
      philox(block, counter >>> 0, Math.floor(counter / 2 ** 32) >>> 0, k0, k1)
      counter += 1
      left = 4
    }
    left -= 1
    return block[3 - left]!
  }
  const uniform = (): number => (uint32() >>> 8) / 2 ** 24
  const normal = (): number => {
    if (spare !== undefined) {
      const value = spare
      spare = undefined
      return value
    }
    const u = ((uint32() >>> 0) + 1) / (2 ** 32 + 1)
    const angle = 2 * Math.PI * (uint32() / 2 ** 32)
    const radius = Math.sqrt(-2 * Math.log(u))
    spare = radius * Math.sin(angle)
    return radius * Math.cos(angle)
  }
  const below = (n: number): number => {
    const limit = 2 ** 32 - (2 ** 32 % n)
    let value = uint32()
    while (value >= limit) value = uint32()
    return value % n
  }
  return { uint32, uniform, normal, below }
}

/** A permutation of 0..n-1 (Fisher-Yates) that depends on the key alone. */
export function permutation(n: number, ...key: readonly (string | number)[]): Uint32Array {
  const order = Uint32Array.from({ length: n }, (_, i) => i)
  const random = stream(...key)
  for (let i = n - 1; i > 0; i -= 1) {
    const j = random.below(i + 1)
    const swap = order[i]!
    order[i] = order[j]!
    order[j] = swap
  }
  return order
}

/** Two 32-bit words from the key's parts: FNV-1a over their text, twice with different offsets, then mixed. */
function hashKey(key: readonly (string | number)[]): [number, number] {
  let a = 0x811c9dc5
  let b = 0x9747b28c
  for (const part of key) {
    const text = `${typeof part === 'number' ? 'n' : 's'}${part}\u0000`
    for (let i = 0; i < text.length; i += 1) {
      a = Math.imul(a ^ text.charCodeAt(i), 0x01000193)
      b = Math.imul(b ^ text.charCodeAt(i), 0x85ebca6b) ^ (b >>> 13)
    }
  }
  return [mix(a), mix(b)]
}

function mix(h: number): number {
  let x = h ^ (h >>> 16)
  x = Math.imul(x, 0x85ebca6b)
  x ^= x >>> 13
  x = Math.imul(x, 0xc2b2ae35)
  return (x ^ (x >>> 16)) >>> 0
}

function philox(out: Uint32Array, c0: number, c1: number, k0: number, k1: number): void {
  let x0 = c0
  let x1 = c1
  let x2 = 0
  let x3 = 0
  let a = k0
  let b = k1
  for (let round = 0; round < 10; round += 1) {
    const [hi0, lo0] = mul(0xd2511f53, x0)
    const [hi1, lo1] = mul(0xcd9e8d57, x2)
    const y0 = (hi1 ^ x1 ^ a) >>> 0
    const y2 = (hi0 ^ x3 ^ b) >>> 0
    x0 = y0
    x1 = lo1
    x2 = y2
    x3 = lo0
    a = (a + 0x9e3779b9) >>> 0
    b = (b + 0xbb67ae85) >>> 0
  }
  out[0] = x0
  out[1] = x1
  out[2] = x2
  out[3] = x3
}

/** The high and low words of the 64-bit product of two unsigned 32-bit words. */
function mul(m: number, x: number): [number, number] {
  const ml = m & 0xffff
  const mh = m >>> 16
  const xl = x & 0xffff
  const xh = x >>> 16
  const low = ml * xl
  const mid = mh * xl + Math.floor(low / 65536)
  const mid2 = ml * xh + (mid % 65536)
  const high = mh * xh + Math.floor(mid / 65536) + Math.floor(mid2 / 65536)
  return [high >>> 0, Math.imul(m, x) >>> 0]
}

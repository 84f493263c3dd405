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
  const philox = new Philox(...hashKey(key))
  let left = 0
  let spare: number | undefined
  const uint32 = (): number => {
    if (left === 0) {
      philox.next()
      left = 4
    }
    left -= 1
    return left === 3 ? philox.x0 : left === 2 ? philox.x1 : left === 1 ? philox.x2 : philox.x3
  }
  const uniform = (): number => (uint32() >>> 8) / 2 ** 24
  const normal = (): number => {
    if (spare !== undefined) {
      const value = spare
      spare = undefined
      return value
    }
    const u = (uint32() + 1) / (2 ** 32 + 1)
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

/** Fills the array with uniform draws on [low, high): the same numbers as `stream(...key).uniform()` gives, quicker. */
export function fillUniform(
  out: Float32Array,
  low: number,
  high: number,
  ...key: readonly (string | number)[]
): Float32Array {
  const philox = new Philox(...hashKey(key))
  const scale = (high - low) / 2 ** 24
  for (let i = 0; i < out.length; i += 4) {
    philox.next()
    out[i] = low + (philox.x0 >>> 8) * scale
    // Writes past the end of a typed array are ignored.
    out[i + 1] = low + (philox.x1 >>> 8) * scale
    out[i + 2] = low + (philox.x2 >>> 8) * scale
    out[i + 3] = low + (philox.x3 >>> 8) * scale
  }
  return out
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

/** The generator's state: a 64-bit key, a counter, and the four words of the last block. */
export class Philox {
  x0 = 0
  x1 = 0
  x2 = 0
  x3 = 0
  #counter = 0
  readonly #key0: number
  readonly #key1: number

  constructor(key0: number, key1: number) {
    this.#key0 = key0
    this.#key1 = key1
  }

  /** Ten rounds over the next counter; the products are 64 bits wide, built from 16-bit halves. */
  next(): void {
    let x0 = this.#counter >>> 0
    let x1 = Math.floor(this.#counter / 2 ** 32)
    let x2 = 0
    let x3 = 0
    let a = this.#key0
    let b = this.#key1
    this.#counter += 1
    for (let round = 0; round < 10; round += 1) {
      const high0 = multiplyHigh(0xd251, 0x1f53, x0)
      const high1 = multiplyHigh(0xcd9e, 0x8d57, x2)
      const low0 = Math.imul(0xd2511f53, x0)
      const low1 = Math.imul(0xcd9e8d57, x2)
      x0 = high1 ^ x1 ^ a
      x1 = low1
      x2 = high0 ^ x3 ^ b
      x3 = low0
      a = (a + 0x9e3779b9) | 0
      b = (b + 0xbb67ae85) | 0
    }
    this.x0 = x0 >>> 0
    this.x1 = x1 >>> 0
    this.x2 = x2 >>> 0
    this.x3 = x3 >>> 0
  }
}

/** The high word of the 64-bit product of (high << 16 | low) and x, as a signed 32-bit integer. */
function multiplyHigh(high: number, low: number, x: number): number {
  const xl = x & 0xffff
  const xh = x >>> 16
  const bottom = low * xl
  const middle = high * xl + (bottom >>> 16)
  const middle2 = low * xh + (middle & 0xffff)
  return (high * xh + (middle >>> 16) + (middle2 >>> 16)) | 0
}

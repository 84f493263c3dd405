/** IEEE 754 binary16 in Uint16Array: 11 significant bits, up to 65504; what is larger becomes infinite. */

const FLOAT = new Float32Array(1)
const BITS = new Uint32Array(FLOAT.buffer)

/** Rounded to the nearest, ties to even. */
export function toHalf(values: Float32Array, out: Uint16Array): Uint16Array {
  const bits = new Uint32Array(values.buffer, values.byteOffset, values.length)
  for (let i = 0; i < bits.length; i += 1) {
    const b = bits[i]!
    const sign = (b >>> 16) & 0x8000
    const magnitude = b & 0x7fffffff
    if (magnitude >= 0x47800000) {
      // From 65536 on, infinity; NaN stays NaN.
      out[i] = sign | (magnitude > 0x7f800000 ? 0x7e00 : 0x7c00)
    } else if (magnitude < 0x38800000) {
      // Below 2^-14: a whole number of 2^-24.
      BITS[0] = magnitude
      out[i] = sign | halfEven(FLOAT[0]! * 2 ** 24)
    } else {
      // Drops 13 bits; a carry runs into the exponent, and from 65520 on into infinity.
      const rounded = magnitude + 0xfff + ((magnitude >>> 13) & 1)
      out[i] = sign | ((rounded - 0x38000000) >>> 13)
    }
  }
  return out
}

let table: Float32Array | undefined

/** Exact. */
export function fromHalf(halves: Uint16Array, out: Float32Array): Float32Array {
  table ??= Float32Array.from({ length: 65536 }, (_, half) => valueOf(half))
  for (let i = 0; i < halves.length; i += 1) out[i] = table[halves[i]!]!
  return out
}

function valueOf(half: number): number {
  const sign = half & 0x8000 ? -1 : 1
  const exponent = (half >>> 10) & 31
  const fraction = half & 1023
  if (exponent === 31) return fraction === 0 ? sign * Infinity : NaN
  if (exponent === 0) return sign * fraction * 2 ** -24
  return sign * (1 + fraction / 1024) * 2 ** (exponent - 15)
}

function halfEven(x: number): number {
  const floor = Math.floor(x)
  const rest = x - floor
  return rest > 0.5 || (rest === 0.5 && floor % 2 === 1) ? floor + 1 : floor
}

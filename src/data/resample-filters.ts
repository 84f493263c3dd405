export type PillowMethod = 'nearest' | 'box' | 'bilinear' | 'bicubic' | 'lanczos'

/** Fixed-point weights of one axis: output `i` is the sum of `weights[i]` times the inputs from `first[i]` on. */
export interface AxisWeights {
  readonly first: Int32Array
  readonly weights: readonly Int32Array[]
}

/** Bits after the point: 32 minus 8 of the pixel and 2 of head room (PRECISION_BITS in Pillow's Resample.c). */
export const PRECISION = 22

/** Half width of a filter at scale 1, and its weight at a distance. */
interface Filter {
  readonly support: number
  readonly weight: (x: number) => number
}

const sinc = (x: number): number => (x === 0 ? 1 : Math.sin(x * Math.PI) / (x * Math.PI))

/** Resample.c: `box_filter`, `bilinear_filter`, `bicubic_filter` (a = -0.5), `lanczos_filter` (3 lobes). */
const FILTERS: Record<Exclude<PillowMethod, 'nearest'>, Filter> = {
  box: { support: 0.5, weight: (x) => (x > -0.5 && x <= 0.5 ? 1 : 0) },
  bilinear: { support: 1, weight: (x) => Math.max(0, 1 - Math.abs(x)) },
  bicubic: { support: 2, weight: (x) => bicubic(Math.abs(x), -0.5) },
  lanczos: { support: 3, weight: (x) => (x >= -3 && x < 3 ? sinc(x) * sinc(x / 3) : 0) },
}

function bicubic(x: number, a: number): number {
  if (x < 1) return ((a + 2) * x - (a + 3)) * x * x + 1
  if (x < 2) return (((x - 5) * x + 8) * x - 4) * a
  return 0
}

/**
 * Weights from `from` samples to `to`: Pillow's `precompute_coeffs` and `normalize_coeffs_8bpc`, in its order
 * of operations. When shrinking the filter is widened (antialias).
 */
export function pillowWeights(
  method: Exclude<PillowMethod, 'nearest'>,
  from: number,
  to: number,
): AxisWeights {
  const filter = FILTERS[method]
  const scale = from / to
  const stretch = Math.max(scale, 1)
  const support = filter.support * stretch
  const inverse = 1 / stretch
  const first = new Int32Array(to)
  const weights: Int32Array[] = []
  for (let i = 0; i < to; i += 1) {
    const center = (i + 0.5) * scale
    const low = Math.max(0, Math.trunc(center - support + 0.5))
    const high = Math.min(from, Math.trunc(center + support + 0.5))
    const exact = new Float64Array(high - low)
    let sum = 0
    for (let x = 0; x < exact.length; x += 1) {
      const weight = filter.weight((x + low - center + 0.5) * inverse)
      exact[x] = weight
      sum += weight
    }
    first[i] = low
    weights.push(Int32Array.from(exact, (weight) => fixed(sum === 0 ? weight : weight / sum)))
  }
  return { first, weights }
}

/**
 * Whether the vertical pass comes first. Each pass rounds, so the order shows in the bytes. Up to version 12 Pillow
 * always began with the horizontal pass; the rule of 13.0.0 was found by trying 6,000 sizes.
 */
export function verticalFirst(
  from: { readonly width: number; readonly height: number },
  to: { readonly width: number; readonly height: number },
): boolean {
  const rows = from.height - to.height
  return rows > 0 && rows > 2 * (from.width - to.width)
}

function fixed(weight: number): number {
  return Math.trunc(weight * 2 ** PRECISION + (weight < 0 ? -0.5 : 0.5))
}

/**
 * Which input each output takes under Pillow's nearest. `ImagingScaleAffine` adds the step up instead of
 * multiplying it, and so must we: at exact borders the two differ. -1 where the sum runs out of the picture.
 */
export function pillowNearest(from: number, to: number): Int32Array {
  const step = from / to
  const picks = new Int32Array(to)
  let at = step * 0.5
  for (let i = 0; i < to; i += 1) {
    picks[i] = at < from ? Math.trunc(at) : -1
    at += step
  }
  return picks
}

const f32 = Math.fround

/** `HalfPixelScalerForNN` of TensorFlow's resize_nearest_neighbor_op, in float32. */
export function tensorflowNearest(from: number, to: number): Int32Array {
  const scale = f32(from / to)
  return Int32Array.from({ length: to }, (_, i) =>
    Math.min(Math.floor(f32(f32(i + 0.5) * scale)), from - 1),
  )
}

export interface Lerps {
  readonly lower: Int32Array
  readonly upper: Int32Array
  readonly lerp: Float32Array
}

/** `compute_interpolation_weights` of TensorFlow's resize_bilinear_op with half-pixel centres, in float32. */
export function tensorflowLerps(from: number, to: number): Lerps {
  const scale = f32(from / to)
  const lower = new Int32Array(to)
  const upper = new Int32Array(to)
  const lerp = new Float32Array(to)
  for (let i = 0; i < to; i += 1) {
    const at = f32(f32(f32(i + 0.5) * scale) - 0.5)
    const floor = Math.floor(at)
    lower[i] = Math.max(floor, 0)
    upper[i] = Math.min(Math.ceil(at), from - 1)
    lerp[i] = at - floor
  }
  return { lower, upper, lerp }
}

import type { OpAttributes } from './ops.ts'
import type { Doubles, Value } from './reference-arrays.ts'

type Kernel<Name extends 'batchNorm' | 'batchNormGradient'> = (
  inputs: readonly Value[],
  attributes: OpAttributes[Name],
) => readonly Doubles[]

export const NORMALIZATION: { readonly [Name in 'batchNorm' | 'batchNormGradient']: Kernel<Name> } =
  {
    batchNorm: ([x, gamma, beta], { epsilon }) => {
      const channels = gamma!.data.length
      const mean = means(x!.data, channels)
      const variance = means(
        x!.data.map((v, i) => (v - mean[i % channels]!) ** 2),
        channels,
      )
      const y = x!.data.map((v, i) => {
        const c = i % channels
        const scaled = (v - mean[c]!) / Math.sqrt(variance[c]! + epsilon)
        return scaled * gamma!.data[c]! + beta!.data[c]!
      })
      return [y, mean, variance]
    },

    // Ioffe and Szegedy, Batch Normalization, section 3; mean and variance depend on every x.
    batchNormGradient: ([dy, x, gamma, mean, variance], { epsilon }) => {
      const channels = gamma!.data.length
      const count = x!.data.length / channels
      const deviation = variance!.data.map((v) => Math.sqrt(v + epsilon))
      const scaled = x!.data.map((v, i) => {
        const c = i % channels
        return (v - mean!.data[c]!) / deviation[c]!
      })
      const meanDy = means(dy!.data, channels)
      const meanProduct = means(
        dy!.data.map((v, i) => v * scaled[i]!),
        channels,
      )
      const dx = dy!.data.map((v, i) => {
        const c = i % channels
        const slope = v - meanDy[c]! - scaled[i]! * meanProduct[c]!
        return (gamma!.data[c]! / deviation[c]!) * slope
      })
      return [dx, meanProduct.map((v) => v * count), meanDy.map((v) => v * count)]
    },
  }

/** By channel. */
function means(data: Doubles, channels: number): Doubles {
  const sums = new Float64Array(channels)
  data.forEach((v, i) => (sums[i % channels]! += v))
  return sums.map((sum) => (sum * channels) / data.length)
}

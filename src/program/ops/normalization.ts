import type { OpDefinitions } from '../op.ts'
import type { TensorType } from '../program.ts'
import { check, type } from '../shapes.ts'

export const NORMALIZATION: OpDefinitions<'batchNorm' | 'batchNormGradient'> = {
  batchNorm: {
    infer: ([x, ...perChannel]) => {
      const channels = channelsOf('batchNorm', x!, perChannel)
      return [type(x!.shape), channels, channels]
    },
    gradient: (b, { inputs: [x, gamma], outputs, attributes }, [dy, ...statistics], wanted) => {
      check(
        statistics.every((t) => !t),
        'batchNorm passes no gradient through its mean and variance',
      )
      if (!dy) return []
      const moments = [outputs[1]!, outputs[2]!] as const
      const gradients = b.batchNormGradient(dy, x!, gamma!, moments, attributes.epsilon)
      return gradients.map((t, i) => (wanted[i] ? t : undefined))
    },
  },
  batchNormGradient: {
    infer: ([dy, x, ...perChannel]) => {
      check(
        dy!.shape.join() === x!.shape.join(),
        `a gradient of [${dy!.shape}] for [${x!.shape}] of a batchNorm`,
      )
      const channels = channelsOf('batchNormGradient', x!, perChannel)
      return [type(x!.shape), channels, channels]
    },
  },
}

function channelsOf(op: string, x: TensorType, perChannel: readonly TensorType[]): TensorType {
  const channels = type(x.shape.slice(-1))
  check(x.shape.length >= 2, `${op} of [${x.shape}]`)
  for (const { shape } of perChannel) {
    check(shape.join() === channels.shape.join(), `${op} of [${x.shape}] with [${shape}]`)
  }
  return channels
}

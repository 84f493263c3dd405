import { channelAffine } from '../affine.ts'
import type { LayerDefinition } from './definition.ts'

export const rescaling = {
  defaults: { offset: 0 },
  outputShape: (_, [input]) => input!,
  lower: ({ b, config: { scale, offset }, inputs: [x] }) =>
    channelAffine(b, x!, { scale: listed(scale), offset: listed(offset) }),
} as const satisfies LayerDefinition<'Rescaling'>

function listed(value: number | readonly number[]): readonly number[] {
  return typeof value === 'number' ? [value] : value
}

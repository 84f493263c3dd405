import type { LayerDefinition } from './definition.ts'

/** A residual scaled down: `a + b * scale` (keras/src/applications/inception_resnet_v2.py). */
export const customScaleLayer = {
  defaults: {},
  outputShape: (_, [input]) => input!,
  lower: ({ b, config: { scale }, inputs: [x, residual] }) =>
    b.add(x!, scale === 1 ? residual! : b.multiply(residual!, b.scalar(scale))),
} as const satisfies LayerDefinition<'CustomScaleLayer'>

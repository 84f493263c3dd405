import { imageOf, type LayerDefinition } from './definition.ts'

export const zeroPadding2d = {
  defaults: {},
  outputShape: ({ padding: [[top, bottom], [left, right]] }, inputs) => {
    const [height, width, channels] = imageOf(inputs)
    return [height + top + bottom, width + left + right, channels]
  },
  lower: ({ b, config: { padding }, inputs }) =>
    b.pad(inputs[0]!, [[0, 0], padding[0], padding[1], [0, 0]]),
} as const satisfies LayerDefinition<'ZeroPadding2D'>

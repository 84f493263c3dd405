import { imageOf, type LayerDefinition } from './definition.ts'

export const cropping2d = {
  defaults: {},
  outputShape: ({ cropping: [[top, bottom], [left, right]] }, inputs) => {
    const [height, width, channels] = imageOf(inputs)
    return [height - top - bottom, width - left - right, channels]
  },
  lower: ({ b, config: { cropping }, inputs: [x] }) => {
    const [batch, height, width, channels] = x!.shape as [number, number, number, number]
    const [[top, bottom], [left, right]] = cropping
    const size = [batch, height - top - bottom, width - left - right, channels]
    return b.slice(x!, [0, top, left, 0], size)
  },
} as const satisfies LayerDefinition<'Cropping2D'>

import { sizeOf, type Shape } from '../../program/program.ts'
import { Misfit } from '../../program/shapes.ts'
import type { LayerDefinition } from './definition.ts'

/** The values of a picture in another shape, row-major; one axis of `targetShape` may be -1, for what is left. */
export const reshape = {
  defaults: {},
  outputShape: ({ targetShape }, [input]) => reshaped(input!, targetShape),
  lower: ({ b, config: { targetShape }, inputs: [x] }) =>
    b.reshape(x!, [x!.shape[0]!, ...reshaped(x!.shape.slice(1), targetShape)]),
} as const satisfies LayerDefinition<'Reshape'>

function reshaped(input: Shape, targetShape: Shape): Shape {
  const known = sizeOf(targetShape.filter((size) => size !== -1))
  const shape = targetShape.map((size) => (size === -1 ? sizeOf(input) / known : size))
  if (sizeOf(shape) !== sizeOf(input) || !shape.every(Number.isInteger)) {
    throw new Misfit(`[${input.join(', ')}] as [${targetShape.join(', ')}]`)
  }
  return shape
}

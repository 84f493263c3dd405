import type { Shape } from '../../program/program.ts'
import { Misfit } from '../../program/shapes.ts'
import type { LayerDefinition } from './definition.ts'

export const dropout = {
  defaults: { noiseShape: undefined },
  random: true,
  outputShape: ({ noiseShape }, [input]) => {
    if (noiseShape) noiseOf(noiseShape, [0, ...input!])
    return input!
  },
  lower: ({ b, config: { rate, noiseShape }, inputs: [x], training, mask }) => {
    if (!training || rate === 0) return x!
    return b.multiply(x!, mask(noiseShape ? noiseOf(noiseShape, x!.shape) : x!.shape, rate))
  },
} as const satisfies LayerDefinition<'Dropout'>

/** Of the mask for an input [batch, ...]; each picture has its own. */
function noiseOf(noiseShape: readonly (number | null)[], shape: Shape): Shape {
  const fits = noiseShape.every((n, axis) => n === null || n === shape[axis] || n === 1)
  if (noiseShape.length !== shape.length || noiseShape[0] !== null || !fits) {
    throw new Misfit(`a noise shape [${noiseShape.join(', ')}] for [${shape.join(', ')}]`)
  }
  return noiseShape.map((n, axis) => n ?? shape[axis]!)
}

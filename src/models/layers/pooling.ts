import { windows } from '../../program/shapes.ts'
import type { Shape } from '../../program/program.ts'
import type { PoolConfig } from '../layer-graph.ts'
import { imageOf } from './definition.ts'

export function pooledShape(config: PoolConfig, inputs: readonly Shape[]): Shape {
  const [height, width, channels] = imageOf(inputs)
  return [...windows([height, width], config.poolSize, config.strides, config.padding), channels]
}

export function globallyPooledShape(
  { keepDims }: { readonly keepDims: boolean },
  inputs: readonly Shape[],
): Shape {
  const channels = imageOf(inputs)[2]
  return keepDims ? [1, 1, channels] : [channels]
}

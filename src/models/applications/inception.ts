import type { GraphBuilder } from '../graph-builder.ts'
import type { Layer } from '../layer-graph.ts'
import { relu } from './application.ts'

// What InceptionV3 and InceptionResNetV2 share, in the order of Keras' calls (which numbers the unnamed layers).

/** How a window moves: `halved` by 2 without padding, `valid` by 1 without padding. */
type Step = 'same' | 'valid' | 'halved'

/** Convolution, batch normalization without a scale, relu. A name is the convolution's; the others are derived from it. */
export function convolved(
  g: GraphBuilder,
  input: Layer,
  filters: number,
  window: number | readonly [number, number],
  step: Step = 'same',
  name?: string,
): Layer {
  const kernelSize = typeof window === 'number' ? ([window, window] as const) : window
  const settings = {
    filters,
    kernelSize,
    strides: step === 'halved' ? ([2, 2] as const) : ([1, 1] as const),
    padding: step === 'same' ? ('same' as const) : ('valid' as const),
    useBias: false,
  }
  const x = g.layer('Conv2D', input, settings, name)
  const normalized = g.layer('BatchNormalization', x, { scale: false }, name && `${name}_bn`)
  return relu(g, normalized, name && `${name}_ac`)
}

export function averaged(g: GraphBuilder, x: Layer): Layer {
  const window = { poolSize: [3, 3], strides: [1, 1], padding: 'same' } as const
  return g.layer('AveragePooling2D', x, window)
}

export function reduced(g: GraphBuilder, x: Layer): Layer {
  return g.layer('MaxPooling2D', x, { poolSize: [3, 3], strides: [2, 2] })
}

/** From 299 x 299 to 35 x 35. */
export function stem(g: GraphBuilder, input: Layer): Layer {
  let x = convolved(g, input, 32, 3, 'halved')
  x = convolved(g, convolved(g, x, 32, 3, 'valid'), 64, 3)
  x = convolved(g, reduced(g, x), 80, 1, 'valid')
  return reduced(g, convolved(g, x, 192, 3, 'valid'))
}

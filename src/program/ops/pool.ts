import { perInput, type OpDefinitions } from '../op.ts'
import type { PoolAttributes } from '../ops.ts'
import type { Shape } from '../program.ts'
import { check, image, type, windows } from '../shapes.ts'

export const POOL: OpDefinitions<'maxPool' | 'avgPool' | 'maxPoolGradient' | 'avgPoolGradient'> = {
  maxPool: {
    infer: ([x], a) => [type(pooled(x!.shape, a))],
    gradient: perInput((b, dy, { inputs: [x], output, attributes }) => [
      () => b.maxPoolGradient(dy, x!, output, attributes),
    ]),
  },
  avgPool: {
    infer: ([x], a) => [type(pooled(x!.shape, a))],
    gradient: perInput((b, dy, { inputs: [x], attributes }) => [
      () => b.avgPoolGradient(dy, { ...attributes, inputShape: x!.shape }),
    ]),
  },
  maxPoolGradient: {
    infer: ([dy, x, y], a) => {
      const want = pooled(x!.shape, a).join()
      check(
        dy!.shape.join() === want && y!.shape.join() === want,
        `a gradient of [${dy!.shape}] and a maximum of [${y!.shape}] for [${want}] of a maxPool`,
      )
      return [type(x!.shape)]
    },
  },
  avgPoolGradient: {
    infer: ([dy], { inputShape, ...a }) => {
      const want = pooled(inputShape, a)
      check(
        dy!.shape.join() === want.join(),
        `a gradient of [${dy!.shape}] for [${want}] of an avgPool`,
      )
      return [type(inputShape)]
    },
  },
}

function pooled(shape: Shape, a: PoolAttributes): Shape {
  const [n, h, w, c] = image(shape)
  return [n, ...windows([h, w], a.size, a.strides, a.padding), c]
}

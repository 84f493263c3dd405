import fc from 'fast-check'

import { Builder } from '../../src/program/builder.ts'
import type { ConvAttributes } from '../../src/program/ops.ts'
import type { Shape, Tensor } from '../../src/program/program.ts'

/** A convolution or a pool of some small size: `x` and, for convolutions, `kernel` in, `y` out. */
export interface RandomWindow {
  readonly op: 'conv2d' | 'depthwiseConv2d' | 'maxPool' | 'avgPool'
  readonly x: Shape
  readonly kernel: Shape
  readonly attributes: ConvAttributes
}

const OPS = ['conv2d', 'depthwiseConv2d', 'maxPool', 'avgPool'] as const

/** Windows of one to seven cells along either axis, strides of one to three, dilations where the op has them. */
export function randomWindow(ops: readonly RandomWindow['op'][] = OPS): fc.Arbitrary<RandomWindow> {
  const pair = (min: number, max: number) =>
    fc.tuple(fc.integer({ min, max }), fc.integer({ min, max }))
  return fc
    .record({
      op: fc.constantFrom(...ops),
      batch: fc.integer({ min: 1, max: 2 }),
      size: pair(1, 9),
      channels: pair(1, 3),
      window: fc.oneof(pair(1, 3), fc.constantFrom<[number, number]>([1, 1], [5, 5], [7, 7])),
      strides: fc.oneof(fc.constantFrom<[number, number]>([1, 1], [2, 2]), pair(1, 3)),
      padding: fc.constantFrom('same' as const, 'valid' as const),
      dilations: fc.oneof(fc.constant<[number, number]>([1, 1]), pair(1, 2)),
    })
    .map(
      ({ op, batch, size, channels: [c, last], window, strides, padding, ...a }): RandomWindow => {
        const dilations = op.endsWith('Pool') ? ([1, 1] as const) : a.dilations
        const kernel = [...window, c, last]
        return { op, x: [batch, ...size, c], kernel, attributes: { strides, padding, dilations } }
      },
    )
    .filter((window) => {
      try {
        const b = new Builder()
        applied(b, window, b.input('x', window.x), b.input('kernel', window.kernel))
        return true
      } catch (error) {
        // A window that does not fit.
        if (error instanceof TypeError) return false
        throw error
      }
    })
}

/** y */
export function applied(
  b: Builder,
  { op, kernel: [kh, kw], attributes }: RandomWindow,
  x: Tensor,
  kernel: Tensor,
): Tensor {
  if (op === 'conv2d' || op === 'depthwiseConv2d') return b[op](x, kernel, attributes)
  const { strides, padding } = attributes
  return b[op](x, { size: [kh!, kw!], strides, padding })
}

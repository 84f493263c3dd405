import assert from 'node:assert/strict'
import { describe, test } from 'node:test'

import { Builder } from '../../src/program/builder.ts'
import type { Shape, Tensor } from '../../src/program/program.ts'

const WINDOW = { strides: [1, 1], padding: 'valid', dilations: [1, 1] } as const
const POOL = { size: [3, 3], strides: [1, 1], padding: 'valid' } as const

/** Shapes that do not fit, by what the message says. */
const MISTAKES: readonly [
  string,
  readonly Shape[],
  (b: Builder, x: Tensor, y: Tensor) => Tensor,
][] = [
  ['[2,3] and [2] do not broadcast', [[2, 3], [2]], (b, x, y) => b.add(x, y)],
  ['[2] and [3] do not broadcast', [[2], [3]], (b, x, y) => b.power(x, y)],
  ['a mask [3] for [2]', [[2], [3]], (b, x, y) => b.reluGradient(x, y)],
  [
    'matMul of [2,3] and [2,3]',
    [
      [2, 3],
      [2, 3],
    ],
    (b, x, y) => b.matMul(x, y),
  ],
  ['a matrix, got [3]', [[2, 3], [3]], (b, x, y) => b.matMul(x, y)],
  ['biasAdd of [2,3] and [2]', [[2, 3], [2]], (b, x, y) => b.biasAdd(x, y)],
  [
    'biasAdd of [2,3] and [3,3]',
    [
      [2, 3],
      [3, 3],
    ],
    (b, x, y) => b.biasAdd(x, y),
  ],
  [
    'conv2d of 4 channels with a kernel for 3',
    [
      [1, 5, 5, 4],
      [3, 3, 3, 2],
    ],
    (b, x, y) => b.conv2d(x, y, WINDOW),
  ],
  [
    'four axes, got [5,5,4]',
    [
      [5, 5, 4],
      [3, 3, 4, 2],
    ],
    (b, x, y) => b.conv2d(x, y, WINDOW),
  ],
  [
    'a window of 3,3 does not fit in 5,2',
    [
      [1, 5, 2, 4],
      [3, 3, 4, 2],
    ],
    (b, x, y) => b.conv2d(x, y, WINDOW),
  ],
  [
    'depthwiseConv2d of 4 channels with a kernel for 3',
    [
      [1, 5, 5, 4],
      [3, 3, 3, 1],
    ],
    (b, x, y) => b.depthwiseConv2d(x, y, WINDOW),
  ],
  ['a window of 3,3 does not fit in 2,2', [[1, 2, 2, 1]], (b, x) => b.maxPool(x, POOL)],
  [
    'a gradient of [1,4,4,2] for [1,3,3,2] of a conv2d',
    [
      [1, 4, 4, 2],
      [3, 3, 4, 2],
    ],
    (b, x, y) => b.conv2dInputGradient(x, y, { ...WINDOW, inputShape: [1, 5, 5, 4] }),
  ],
  [
    'a gradient of [1,3,3,3] for [1,3,3,4] of a depthwiseConv2d',
    [
      [1, 5, 5, 2],
      [1, 3, 3, 3],
    ],
    (b, x, y) => b.depthwiseConv2dKernelGradient(x, y, { ...WINDOW, kernelShape: [3, 3, 2, 2] }),
  ],
  [
    'a gradient of [1,3,3,2] and a maximum of [1,3,3,1] for [1,3,3,2] of a maxPool',
    [
      [1, 3, 3, 2],
      [1, 3, 3, 1],
    ],
    (b, x, y) => b.maxPoolGradient(x, b.input('z', [1, 5, 5, 2]), y, POOL),
  ],
  [
    'a gradient of [1,3,3,2] for [1,4,4,2] of an avgPool',
    [[1, 3, 3, 2]],
    (b, x) => b.avgPoolGradient(x, { ...POOL, inputShape: [1, 6, 6, 2] }),
  ],
  ['batchNorm of [2,3] with [2]', [[2, 3], [2]], (b, x, y) => b.batchNorm(x, y, y, 1)[0]],
  ['batchNorm of [3]', [[3]], (b, x) => b.batchNorm(x, x, x, 1)[0]],
  [
    'a gradient of [2,3] for [4,3] of a batchNorm',
    [[2, 3], [3]],
    (b, dy, c) => b.batchNormGradient(dy, b.input('x', [4, 3]), c, [c, c], 1)[0],
  ],
  ['reshape of [2,3] to [5]', [[2, 3]], (b, x) => b.reshape(x, [5])],
  ['transpose of [2,3] by [0,0]', [[2, 3]], (b, x) => b.transpose(x, [0, 0])],
  ['pad of [2,3] by 1 axes', [[2, 3]], (b, x) => b.pad(x, [[1, 1]])],
  [
    'slice of [2,3] at [1,0] of [2,3]',
    [[2, 3]],
    (b, x) => b.node('slice', [x], { begin: [1, 0], size: [2, 3] })[0]!,
  ],
  [
    'concat of [2,3], [3,2] along 0',
    [
      [2, 3],
      [3, 2],
    ],
    (b, x, y) => b.concat([x, y], 0),
  ],
  ['concat of [2], [] along 0', [[2], []], (b, x, y) => b.concat([x, y], 0)],
  ['concat of [2], [2] along 1', [[2], [2]], (b, x, y) => b.concat([x, y], 1)],
  ['broadcastTo of [2,3] to [3]', [[2, 3]], (b, x) => b.broadcastTo(x, [3])],
  ['axes [1,0] of [2,3]', [[2, 3]], (b, x) => b.reduceSum(x, [1, 0])],
  ['axes [2] of [2,3]', [[2, 3]], (b, x) => b.reduceMax(x, [2])],
  [
    'softmaxCrossEntropy of [2,3] and [2,1]',
    [
      [2, 3],
      [2, 1],
    ],
    (b, x, y) => b.softmaxCrossEntropy(x, y),
  ],
  ['sigmoidCrossEntropy of [2,3] and [3]', [[2, 3], [3]], (b, x, y) => b.sigmoidCrossEntropy(x, y)],
]

describe('shape rules refuse', () => {
  for (const [message, shapes, build] of MISTAKES) {
    test(message, () => {
      const b = new Builder()
      const [x, y] = shapes.map((shape, i) => b.input(`x${i}`, shape))
      assert.throws(
        () => build(b, x!, y ?? x!),
        (error) => error instanceof TypeError && error.message.includes(message),
      )
    })
  }
})

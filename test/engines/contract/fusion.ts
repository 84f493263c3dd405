import { describe, test } from 'node:test'

import type { Engine } from '../../../src/engines/engine.ts'
import { gradients } from '../../../src/program/autodiff.ts'
import { Builder } from '../../../src/program/builder.ts'
import { evaluate } from '../../../src/program/evaluate.ts'
import type { Tensor } from '../../../src/program/program.ts'
import { stream } from '../../../src/util/rng.ts'
import { assertClose } from '../../support/compare.ts'
import { normals } from '../../support/values.ts'

const SAME = { strides: [1, 1], padding: 'same', dilations: [1, 1] } as const
const VALID = { strides: [2, 2], padding: 'valid', dilations: [1, 1] } as const

/** Small graphs that an engine may fuse, with the traps of fusing: what is in the middle used or fetched too. */
const GRAPHS: Readonly<Record<string, (b: Builder, x: Tensor) => Record<string, Tensor>>> = {
  'convolution, bias, relu6': (b, x) => ({
    y: b.relu6(b.biasAdd(b.conv2d(x, constant(b, [3, 3, 3, 5]), SAME), constant(b, [5]))),
  }),
  'the middle is fetched': (b, x) => {
    const sum = b.biasAdd(b.conv2d(x, constant(b, [3, 3, 3, 5]), SAME), constant(b, [5]))
    return { sum, y: b.relu(sum) }
  },
  'the middle is used twice': (b, x) => {
    const sum = b.conv2d(x, constant(b, [1, 1, 3, 3]), SAME)
    const biased = b.biasAdd(sum, constant(b, [3]))
    return { y: b.add(b.relu(biased), b.multiply(sum, biased)) }
  },
  'two biases, one kernel': (b, x) => {
    const conv = b.conv2d(x, constant(b, [1, 1, 3, 2]), SAME)
    return {
      y: b.relu(b.biasAdd(conv, constant(b, [2]))),
      z: b.relu6(b.biasAdd(conv, constant(b, [2]))),
    }
  },
  'a bias that is not constant': (b, x) => {
    const bias = b.reduceMean(b.conv2d(x, constant(b, [1, 1, 3, 4]), SAME), [0, 1, 2])
    return { y: b.relu(b.biasAdd(b.conv2d(x, constant(b, [3, 3, 3, 4]), SAME), bias)) }
  },
  'a kernel that is not constant': (b, x) => {
    const kernel = b.reshape(b.slice(x, [0, 0, 0, 0], [1, 2, 3, 3]), [1, 2, 3, 3])
    return { y: b.conv2d(x, kernel, SAME) }
  },
  'depthwise, bias, relu6, pointwise, add': (b, x) => {
    const wide = b.relu6(b.biasAdd(b.conv2d(x, constant(b, [1, 1, 3, 8]), SAME), constant(b, [8])))
    const deep = b.biasAdd(
      b.depthwiseConv2d(wide, constant(b, [3, 3, 8, 1]), SAME),
      constant(b, [8]),
    )
    const thin = b.conv2d(b.relu6(deep), constant(b, [1, 1, 8, 3]), SAME)
    return { y: b.add(x, b.biasAdd(thin, constant(b, [3]))) }
  },
  'padding before a valid convolution': (b, x) => {
    const padded = b.pad(x, [
      [0, 0],
      [0, 1],
      [2, 1],
      [0, 0],
    ])
    return { y: b.conv2d(padded, constant(b, [3, 3, 3, 2]), VALID) }
  },
  'padding with a value before a valid depthwise': (b, x) => {
    const padded = b.pad(
      x,
      [
        [0, 0],
        [1, 1],
        [1, 1],
        [0, 0],
      ],
      2,
    )
    return { y: b.depthwiseConv2d(padded, constant(b, [3, 3, 3, 1]), VALID), padded }
  },
  'batch normalization as a product and a sum': (b, x) => ({
    y: b.relu(
      b.add(
        b.multiply(b.conv2d(x, constant(b, [3, 3, 3, 4]), SAME), constant(b, [4])),
        constant(b, [4]),
      ),
    ),
  }),
  'batch normalization in training under a relu, and back': (b, x) => trained(b, x, b.relu),
  'batch normalization in training under a relu6, and back': (b, x) => trained(b, x, b.relu6),
  'a dense head': (b, x) => {
    const features = b.reduceMean(x, [1, 2])
    const hidden = b.relu(b.biasAdd(b.matMul(features, constant(b, [3, 6])), constant(b, [6])))
    return { y: b.softmax(b.biasAdd(b.matMul(hidden, constant(b, [6, 4])), constant(b, [4]))) }
  },
  'reshapes in a row, one fetched': (b, x) => {
    const flat = b.reshape(x, [2, 90])
    return { flat, y: b.relu(b.reshape(b.reshape(flat, [2, 5, 18]), [10, 18])) }
  },
  'one tensor under two names, an input and a constant fetched': (b, x) => {
    const y = b.square(x)
    return { y, again: y, x, one: b.scalar(1.5) }
  },
}

/** Convolution, normalization, activation, a sum with another branch; gradients of all. */
function trained(b: Builder, x: Tensor, activation: (x: Tensor) => Tensor): Record<string, Tensor> {
  const kernel = constant(b, [3, 3, 3, 4])
  const [gamma, beta] = [constant(b, [4]), constant(b, [4])]
  const [y, mean, variance] = b.batchNorm(b.conv2d(x, kernel, SAME), gamma, beta, 1e-3)
  const active = activation(y)
  const joined = b.add(active, b.conv2d(x, constant(b, [1, 1, 3, 4]), SAME))
  const loss = b.reduceMean(b.square(b.relu(joined)), [0, 1, 2, 3])
  const slopes = gradients(b, loss, [x, kernel, gamma, beta])
  const [dx, dKernel, dGamma, dBeta] = slopes as Tensor[]
  return { mean, variance, loss, dx: dx!, dKernel: dKernel!, dGamma: dGamma!, dBeta: dBeta! }
}

/** Against the reference interpreter. */
export function fusionContract(engine: () => Engine): void {
  describe('graphs that invite fusing', () => {
    for (const [name, build] of Object.entries(GRAPHS)) {
      test(name, async () => {
        const b = new Builder()
        b.entry('run', { fetches: build(b, b.input('x', [2, 5, 6, 3])), updates: [] })
        const program = b.program()
        const feeds = { x: normals(stream('fusion', name), 2 * 5 * 6 * 3) }
        const want = evaluate(program, 'run', feeds).fetches
        const session = await engine().compile(program)
        // Twice: buffers that the first run wrote into must not show in the second.
        for (const time of ['first', 'second']) {
          const got = await session.run('run', feeds)
          for (const key of Object.keys(want)) {
            assertClose(got[key], want[key]!, 1e-5, `${key}, ${time} run`)
          }
        }
        await session.close()
      })
    }
  })
}

function constant(b: Builder, shape: readonly number[]): Tensor {
  const size = shape.reduce((product, n) => product * n, 1)
  return b.constant(normals(stream('constant', b.nodes.length), size), shape)
}

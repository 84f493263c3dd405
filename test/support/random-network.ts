import { gradients } from '../../src/program/autodiff.ts'
import { Builder } from '../../src/program/builder.ts'
import type { PoolAttributes } from '../../src/program/ops.ts'
import { sizeOf, type Program, type Tensor } from '../../src/program/program.ts'
import { stream } from '../../src/util/rng.ts'

export interface RandomNetwork {
  readonly program: Program
  readonly feeds: Record<string, Uint8Array | Float32Array>
}

/**
 * A small convolutional network of randomly drawn layers, entry `infer`, with a few tensors on the way fetched
 * beside the result: paddings, strides, dilations, branches, fusable and unfusable chains. Entry `back`: the
 * gradients of some number by all weights.
 */
export function randomNetwork(seed: number): RandomNetwork {
  const random = stream(seed, 'random network')
  const pick = <T>(...choices: readonly T[]): T => choices[random.below(choices.length)]!
  const b = new Builder()
  const weights: Tensor[] = []
  const values = (shape: readonly number[], scale: number): Tensor => {
    const data = Float32Array.from({ length: sizeOf(shape) }, () => random.normal() * scale)
    const tensor = b.constant(data, [...shape])
    weights.push(tensor)
    return tensor
  }
  const batch = pick(1, 2, 3)
  const shape = [batch, 7 + random.below(9), 7 + random.below(9), 3]
  const pixels = b.input('pixels', shape, 'uint8')
  let x = b.divide(b.subtract(b.cast(pixels, 'float32'), values([3], 100)), b.scalar(64))
  const fetches: Record<string, Tensor> = {}
  const activation = (t: Tensor): Tensor =>
    pick(b.relu, b.relu6, b.sigmoid, b.tanh, (y: Tensor) => y)(t)
  const window = (t: Tensor): { padding: 'same' | 'valid'; strides: [number, number] } => ({
    padding: Math.min(t.shape[1]!, t.shape[2]!) < 6 ? 'same' : pick('same', 'valid'),
    strides: pick([1, 1], [2, 2], [1, 2]),
  })
  const layers: ((t: Tensor) => Tensor)[] = [
    (t) => {
      const size = pick([1, 1], [3, 3], [2, 3], [5, 5])
      const filters = 1 + random.below(9)
      const channels = t.shape[3]!
      const kernel = values([...size, channels, filters], 1 / Math.sqrt(channels * size[0]!))
      const places =
        random.uniform() < 0.2 ? ({ padding: 'same', strides: [1, 1] } as const) : window(t)
      const dilations: [number, number] =
        places.strides.join() === '1,1' ? pick([1, 1], [2, 2]) : [1, 1]
      if (places.padding === 'valid') dilations.fill(1)
      const y = b.conv2d(t, kernel, { ...places, dilations })
      return activation(random.uniform() < 0.8 ? b.biasAdd(y, values([filters], 0.3)) : y)
    },
    (t) => {
      const size = pick([3, 3], [5, 5], [2, 2], [7, 7], [6, 7], [1, 2], [3, 9])
      const channels = t.shape[3]!
      const multiplier = pick(1, 1, 2)
      const kernel = values([...size, channels, multiplier], 0.5)
      const { padding, strides } = window(t)
      const fits = Math.min(t.shape[1]!, t.shape[2]!) >= Math.max(...size)
      const places = { padding: fits ? padding : ('same' as const), strides }
      const y = b.depthwiseConv2d(t, kernel, { ...places, dilations: [1, 1] })
      return activation(
        random.uniform() < 0.8 ? b.biasAdd(y, values([channels * multiplier], 0.3)) : y,
      )
    },
    (t) => {
      const padding = [
        [0, 0],
        ...pick(
          [
            [1, 0],
            [0, 1],
          ],
          [
            [1, 1],
            [1, 1],
          ],
          [
            [0, 2],
            [2, 1],
          ],
        ),
        [0, 0],
      ]
      const padded = b.pad(t, padding as [number, number][], pick(0, 0, 1.5))
      const kernel = values([3, 3, t.shape[3]!, 1], 0.5)
      return b.depthwiseConv2d(padded, kernel, {
        padding: Math.min(t.shape[1]!, t.shape[2]!) < 3 ? 'same' : 'valid',
        strides: pick([1, 1], [2, 2]),
        dilations: [1, 1],
      })
    },
    (t) => {
      const attributes: PoolAttributes = { ...window(t), size: pick([1, 1], [2, 2], [3, 3]) }
      return pick(b.maxPool.bind(b), b.avgPool.bind(b))(t, attributes)
    },
    (t) => {
      const y = b.add(t, values([t.shape[3]!], 0.2))
      return b.concat([t, b.relu(y), b.multiply(t, b.sigmoid(y))], pick(3, 3, 0))
    },
    (t) => b.multiply(t, b.reduceMean(b.sigmoid(t), [1, 2], true)),
    (t) =>
      b.slice(
        t,
        [0, t.shape[1]! > 4 ? 1 : 0, 0, 0],
        [t.shape[0]!, t.shape[1]! - (t.shape[1]! > 4 ? 1 : 0), t.shape[2]!, t.shape[3]!],
      ),
    (t) => b.transpose(t, [0, 2, 1, 3]),
  ]
  const depth = 4 + random.below(6)
  for (let i = 0; i < depth; i += 1) {
    x = pick(...layers)(x)
    if (sizeOf(x.shape) > 60_000) x = b.reduceMax(b.reshape(x, [...x.shape]), [2], true)
    if (random.uniform() < 0.3) fetches[`layer${i}`] = x
  }
  const features = pick(b.reduceMean, b.reduceMax, b.reduceSum)(x, [1, 2])
  const flat = b.reshape(x, [x.shape[0]!, sizeOf(x.shape.slice(1))])
  const dense = (t: Tensor, units: number): Tensor =>
    b.biasAdd(
      b.matMul(t, values([t.shape[1]!, units], 1 / Math.sqrt(t.shape[1]!))),
      values([units], 0.1),
    )
  fetches.features = features
  fetches.hidden = b.relu(dense(flat, 5))
  fetches.probabilities = b.softmax(dense(features, 4))
  b.entry('infer', { fetches, updates: [] })
  const squares = [fetches.features, fetches.hidden, fetches.probabilities].map((t) =>
    b.reduceMean(b.square(t!), [0, 1]),
  )
  const loss = squares.reduce((sum, t) => b.add(sum, t))
  const slopes = gradients(b, loss, weights).flatMap((t, i) => (t ? [[`weight${i}`, t]] : []))
  b.entry('back', { fetches: Object.fromEntries(slopes), updates: [] })
  const data = Uint8Array.from({ length: sizeOf(shape) }, () => random.below(256))
  return { program: b.program(), feeds: { pixels: data } }
}

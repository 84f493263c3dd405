import { Builder } from '../src/program/builder.ts'
import type { Program, Tensor } from '../src/program/program.ts'
import { stream } from '../src/util/rng.ts'

/** repeat, expansion, stride, kernel, filters of each stage (facts: EfficientNet-Lite0). */
const STAGES = [
  [1, 1, 1, 3, 16],
  [2, 6, 2, 3, 24],
  [2, 6, 2, 5, 40],
  [3, 6, 2, 3, 80],
  [3, 6, 1, 5, 112],
  [4, 6, 2, 5, 192],
  [1, 6, 1, 3, 320],
] as const

/** A program of EfficientNet-Lite0's shape; entry `infer`: pixels [batch, 224, 224, 3] uint8 to features [batch, 1280]. */
export function liteTrunk(batch: number, size = 224): Program {
  const b = new Builder()
  const random = stream(1, 'bench')
  const weights = (shape: number[], fanIn: number): Tensor => {
    const n = shape.reduce((x, y) => x * y, 1)
    const scale = Math.sqrt(2 / fanIn)
    return b.constant(
      Float32Array.from({ length: n }, () => random.normal() * scale),
      shape,
    )
  }
  const bias = (n: number): Tensor => b.constant(new Float32Array(n), [n])
  const conv = (x: Tensor, filters: number, kernel: number, stride: number): Tensor => {
    const channels = x.shape[3]!
    const k = weights([kernel, kernel, channels, filters], kernel * kernel * channels)
    const strides = [stride, stride] as const
    return b.biasAdd(b.conv2d(x, k, { strides, padding: 'same', dilations: [1, 1] }), bias(filters))
  }
  const depthwise = (x: Tensor, kernel: number, stride: number): Tensor => {
    const channels = x.shape[3]!
    const k = weights([kernel, kernel, channels, 1], kernel * kernel)
    const strides = [stride, stride] as const
    return b.biasAdd(
      b.depthwiseConv2d(x, k, { strides, padding: 'same', dilations: [1, 1] }),
      bias(channels),
    )
  }

  const pixels = b.input('pixels', [batch, size, size, 3], 'uint8')
  let x = b.multiply(b.subtract(b.cast(pixels, 'float32'), b.scalar(127)), b.scalar(1 / 128))
  x = b.relu6(conv(x, 32, 3, 2))
  for (const [repeat, expansion, stride, kernel, filters] of STAGES) {
    for (let i = 0; i < repeat; i += 1) {
      const input = x
      if (expansion > 1) x = b.relu6(conv(x, x.shape[3]! * expansion, 1, 1))
      x = b.relu6(depthwise(x, kernel, i === 0 ? stride : 1))
      x = conv(x, filters, 1, 1)
      if (i > 0) x = b.add(x, input)
    }
  }
  x = b.relu6(conv(x, 1280, 1, 1))
  b.entry('infer', { fetches: { features: b.reduceMean(x, [1, 2]) }, updates: [] })
  return b.program()
}

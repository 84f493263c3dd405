import type { PoolAttributes } from '../../program/ops.ts'
import { sizeOf } from '../../program/program.ts'
import { paddingOf } from './convolution.ts'
import { start, type Emission, type Emitters, type Step } from './emit.ts'
import type { Kernels, Operand } from './kernels.ts'

export const POOLING: Emitters<'maxPool' | 'avgPool'> = {
  maxPool: (e) => pool(e, '_MaxPool'),
  avgPool: (e) => pool(e, '_AvgPool'),
}

function pool(
  { kernels, inputs, output, attributes: a, finite }: Emission<'maxPool' | 'avgPool'>,
  name: '_MaxPool' | '_AvgPool',
): Step {
  const x = inputs[0]!
  // XNNPACK has no maximum over a window of one cell.
  if (a.size[0] === 1 && a.size[1] === 1) return everyNth(kernels, x, output, a)
  const { c } = kernels
  const padding = paddingOf(x.shape, a.size, { ...a, dilations: [1, 1] })
  const channels = x.shape[3]!
  const input = [x.id, ...x.shape.slice(0, 3), ...a.size, ...padding]
  // _MaxPool also takes dilations, and the channels twice.
  const numbers =
    name === '_MaxPool'
      ? [...input, 1, 1, ...a.strides, channels, channels, output.id]
      : [...input, ...a.strides, channels, output.id]
  if (finite) return () => c[name](...numbers)
  const spread = spreadNaN(kernels, x, output, a, padding)
  return () => {
    c[name](...numbers)
    spread()
  }
}

/** XNNPACK's clamps make -Infinity of NaN; every window that sees one is NaN, as in TensorFlow. */
function spreadNaN(
  kernels: Kernels,
  x: Operand,
  output: Operand,
  { size, strides }: PoolAttributes,
  [top, , , left]: readonly [number, number, number, number],
): Step {
  const n = sizeOf(x.shape)
  const [, height, width, channels] = x.shape as [number, number, number, number]
  const [, rows, columns] = output.shape as [number, number, number]
  const range = (at: number, window: number, stride: number, count: number) =>
    [
      Math.max(0, Math.ceil((at - window + 1) / stride)),
      Math.min(count - 1, Math.floor(at / stride)),
    ] as const
  return () => {
    const memory = kernels.f32()
    const from = start(x)
    const to = start(output)
    for (let i = 0; i < n; i += 1) {
      if (!Number.isNaN(memory[from + i]!)) continue
      const cell = Math.floor(i / channels)
      const batch = Math.floor(cell / (height * width))
      const row = Math.floor(cell / width) % height
      const [first, last] = range(row + top, size[0], strides[0], rows)
      const [begin, end] = range((cell % width) + left, size[1], strides[1], columns)
      for (let r = first; r <= last; r += 1) {
        for (let k = begin; k <= end; k += 1) {
          memory[to + ((batch * rows + r) * columns + k) * channels + (i % channels)] = NaN
        }
      }
    }
  }
}

/** Rows and columns 0, s, 2s, ... */
function everyNth(kernels: Kernels, x: Operand, output: Operand, a: PoolAttributes): Step {
  const [, height, width, channels] = x.shape as [number, number, number, number]
  const [batch, rows, columns] = output.shape as [number, number, number]
  return () => {
    const memory = kernels.f32()
    let to = start(output)
    for (let n = 0; n < batch; n += 1) {
      for (let i = 0; i < rows; i += 1) {
        let from = start(x) + (n * height + i * a.strides[0]) * width * channels
        for (let j = 0; j < columns; j += 1) {
          memory.copyWithin(to, from, from + channels)
          to += channels
          from += a.strides[1] * channels
        }
      }
    }
  }
}

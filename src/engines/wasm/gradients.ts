import { sizeOf } from '../../program/program.ts'
import { met, Sliding } from '../../program/sliding.ts'
import { start, type Emission, type Emitters, type Step } from './emit.ts'

/** Gradients without a kernel of tfjs, as loops over the memory: quicker than the many small steps they expand to. */
export const GRADIENTS: Emitters<'depthwiseConv2dKernelGradient' | 'maxPoolGradient'> = {
  depthwiseConv2dKernelGradient,
  maxPoolGradient,
}

function depthwiseConv2dKernelGradient({
  kernels,
  inputs,
  output,
  attributes: { kernelShape, ...a },
}: Emission<'depthwiseConv2dKernelGradient'>): Step {
  const [x, dy] = [inputs[0]!, inputs[1]!]
  const [batch, height, width, channels] = x.shape as [number, number, number, number]
  const [kh, kw, , multiplier] = kernelShape as [number, number, number, number]
  const { rows, columns } = new Sliding(x.shape, [kh, kw], a)
  const sums = new Float64Array(channels * multiplier)
  const add = multiplier === 1 ? addProducts : addManyProducts(multiplier)
  return () => {
    const memory = kernels.f32()
    for (let cell = 0; cell < kh * kw; cell += 1) {
      const down = met(rows, Math.floor(cell / kw))
      const right = met(columns, cell % kw)
      sums.fill(0)
      for (let n = 0; n < batch; n += 1) {
        for (let row = down.begin; row < down.end; row += 1) {
          const above = n * height + row * rows.stride + down.offset
          const left = right.begin * columns.stride + right.offset
          const from = start(x) + (above * width + left) * channels
          const at = (n * rows.out + row) * columns.out + right.begin
          const to = start(dy) + at * sums.length
          add(memory, from, columns.stride * channels, to, right.end - right.begin, sums)
        }
      }
      const to = start(output) + cell * sums.length
      for (let c = 0; c < sums.length; c += 1) memory[to + c] = sums[c]!
    }
  }
}

/**
 * By channel, the products of `count` inputs (`step` apart, from `x` on) with as many gradients (next to each other),
 * four at a time, so that the sums themselves are read and written less often.
 */
function addProducts(
  memory: Float32Array,
  x: number,
  step: number,
  dy: number,
  count: number,
  sums: Float64Array,
): void {
  const width = sums.length
  let [a, e] = [x, dy]
  let i = 0
  for (; i + 4 <= count; i += 4, a += 4 * step, e += 4 * width) {
    const [b, c, d] = [a + step, a + 2 * step, a + 3 * step]
    const [f, g, h] = [e + width, e + 2 * width, e + 3 * width]
    for (let j = 0; j < width; j += 1) {
      sums[j]! +=
        memory[a + j]! * memory[e + j]! +
        memory[b + j]! * memory[f + j]! +
        (memory[c + j]! * memory[g + j]! + memory[d + j]! * memory[h + j]!)
    }
  }
  for (; i < count; i += 1, a += step, e += width) {
    for (let j = 0; j < width; j += 1) sums[j]! += memory[a + j]! * memory[e + j]!
  }
}

/** Where each input channel has several of the output's. */
function addManyProducts(multiplier: number): typeof addProducts {
  return (memory, x, step, dy, count, sums) => {
    const width = sums.length
    for (let i = 0, a = x, b = dy; i < count; i += 1, a += step, b += width) {
      for (let j = 0; j < width; j += 1) {
        sums[j]! += memory[a + Math.floor(j / multiplier)]! * memory[b + j]!
      }
    }
  }
}

/** Window by window and cell by cell; where a cell has the maximum it takes all, and leaves nothing for later ones. */
function maxPoolGradient({
  kernels,
  inputs,
  output,
  attributes: { size, ...a },
}: Emission<'maxPoolGradient'>): Step {
  const [dy, x, y] = [inputs[0]!, inputs[1]!, inputs[2]!]
  const [batch, height, width, channels] = x.shape as [number, number, number, number]
  const { rows, columns } = new Sliding(x.shape, size, a)
  const left = new Float32Array(channels)
  const take = (memory: Float32Array, cell: number, window: number): void => {
    const [from, top, to] = [start(x) + cell, start(y) + window, start(output) + cell]
    for (let c = 0; c < channels; c += 1) {
      if (memory[from + c] !== memory[top + c]) continue
      memory[to + c]! += left[c]!
      left[c] = 0
    }
  }
  return () => {
    const memory = kernels.f32()
    memory.fill(0, start(output), start(output) + sizeOf(output.shape))
    for (let at = 0; at < batch * rows.out * columns.out; at += 1) {
      const n = Math.floor(at / (rows.out * columns.out))
      const top = (Math.floor(at / columns.out) % rows.out) * rows.stride - rows.before
      const first = (at % columns.out) * columns.stride - columns.before
      left.set(memory.subarray(start(dy) + at * channels, start(dy) + (at + 1) * channels))
      for (let row = Math.max(0, top); row < Math.min(height, top + size[0]); row += 1) {
        const end = Math.min(width, first + size[1])
        for (let column = Math.max(0, first); column < end; column += 1) {
          take(memory, ((n * height + row) * width + column) * channels, at * channels)
        }
      }
    }
  }
}

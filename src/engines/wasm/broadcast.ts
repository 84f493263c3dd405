import { sizeOf, type Shape } from '../../program/program.ts'
import { strides } from './copy.ts'

type Loop = (memory: Float32Array, x: number, y: number, out: number) => void

/** A loop of a binary function with numpy's broadcasting; positions count floats. */
export function broadcast2(
  xShape: Shape,
  yShape: Shape,
  outShape: Shape,
  f: (x: number, y: number) => number,
): Loop {
  const n = sizeOf(outShape)
  const same = sizeOf(xShape) === n && sizeOf(yShape) === n
  if (same || sizeOf(yShape) === 1 || sizeOf(xShape) === 1) {
    const dx = sizeOf(xShape) === n ? 1 : 0
    const dy = sizeOf(yShape) === n ? 1 : 0
    return (memory, x, y, out) => {
      for (let i = 0; i < n; i += 1) {
        memory[out + i] = f(memory[x + i * dx]!, memory[y + i * dy]!)
      }
    }
  }
  const xs = broadcastStrides(xShape, outShape)
  const ys = broadcastStrides(yShape, outShape)
  const along = (
    memory: Float32Array,
    axis: number,
    x: number,
    y: number,
    out: number,
    size: number,
  ): void => {
    const count = outShape[axis]!
    const inner = size / count
    const dx = xs[axis]!
    const dy = ys[axis]!
    if (inner === 1) {
      for (let i = 0; i < count; i += 1) {
        memory[out + i] = f(memory[x + i * dx]!, memory[y + i * dy]!)
      }
      return
    }
    for (let i = 0; i < count; i += 1) {
      along(memory, axis + 1, x + i * dx, y + i * dy, out + i * inner, inner)
    }
  }
  return (memory, x, y, out) => along(memory, 0, x, y, out, n)
}

/** Strides of `shape` seen as `target`: 0 along the axes that are repeated. */
export function broadcastStrides(shape: Shape, target: Shape): number[] {
  const own = strides(shape)
  const missing = target.length - shape.length
  return target.map((_, axis) => {
    const i = axis - missing
    return i < 0 || shape[i] === 1 ? 0 : own[i]!
  })
}

/** Copies x to `target`'s shape: each repeated axis is written once and then doubled. */
export function broadcastCopy(
  shape: Shape,
  target: Shape,
): (m: Float32Array, x: number, out: number) => void {
  const steps = broadcastStrides(shape, target)
  const sizes = strides(target)
  const along = (memory: Float32Array, axis: number, x: number, out: number): void => {
    if (axis === target.length) {
      memory[out] = memory[x]!
      return
    }
    const count = target[axis]!
    const step = steps[axis]!
    const size = sizes[axis]!
    if (step === 0) {
      along(memory, axis + 1, x, out)
      const whole = count * size
      for (let done = size; done < whole; done *= 2) {
        memory.copyWithin(out + done, out, out + Math.min(done, whole - done))
      }
    } else if (size === 1) {
      for (let i = 0; i < count; i += 1) memory[out + i] = memory[x + i * step]!
    } else {
      for (let i = 0; i < count; i += 1) along(memory, axis + 1, x + i * step, out + i * size)
    }
  }
  return (memory, x, out) => along(memory, 0, x, out)
}

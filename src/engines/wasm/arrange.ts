import { sizeOf, type Shape } from '../../program/program.ts'
import { broadcastCopy } from './broadcast.ts'
import { blockCopy, strides, type TypedArray } from './copy.ts'
import { start, view, type Emission, type Emitters, type Step } from './emit.ts'
import { FLOAT32 } from './kernels.ts'

/** Ops that only move values. */
export const ARRANGE: Emitters<'transpose' | 'pad' | 'slice' | 'concat' | 'broadcastTo'> = {
  transpose,
  pad({ kernels, inputs: [x], output, attributes: { padding, value } }) {
    const n = sizeOf(output.shape)
    const before = padding.map(([b]) => b)
    const zeros = before.map(() => 0)
    const copy = blockCopy(
      x!.shape,
      { shape: x!.shape, at: zeros },
      { shape: output.shape, at: before },
    )
    return () => {
      const memory = view(kernels, output.dtype)
      const to = start(output)
      memory.fill(value, to, to + n)
      copy(memory, start(x!), to)
    }
  },
  slice({ kernels, inputs: [x], output, attributes: { begin, size } }) {
    const zeros = begin.map(() => 0)
    const copy = blockCopy(size, { shape: x!.shape, at: begin }, { shape: size, at: zeros })
    return () => copy(view(kernels, output.dtype), start(x!), start(output))
  },
  concat({ kernels, inputs, output, attributes: { axis } }) {
    let position = 0
    const copies = inputs.map((x) => {
      const zeros = x.shape.map(() => 0)
      const at = zeros.with(axis, position)
      position += x.shape[axis]!
      return blockCopy(x.shape, { shape: x.shape, at: zeros }, { shape: output.shape, at })
    })
    return () => {
      const memory = view(kernels, output.dtype)
      const to = start(output)
      for (let i = 0; i < copies.length; i += 1) copies[i]!(memory, start(inputs[i]!), to)
    }
  },
  broadcastTo({ kernels, inputs: [x], output }) {
    const copy = broadcastCopy(x!.shape, output.shape)
    return () => copy(kernels.f32(), start(x!), start(output))
  },
}

function transpose({
  kernels,
  inputs: [x],
  output,
  attributes: { permutation },
  integers,
}: Emission<'transpose'>): Step {
  if (x!.dtype === 'float32' && permutation.length > 1) {
    const { c } = kernels
    const rank = permutation.length
    const [shape, order] = [integers(x!.shape), integers(permutation)]
    return () => c._Transpose(x!.id, shape, rank, FLOAT32, output.id, order, rank)
  }
  const own = strides(x!.shape)
  const steps = permutation.map((axis) => own[axis]!)
  return () => gather(view(kernels, x!.dtype), start(x!), start(output), output.shape, steps, 0)
}

/** Fills `shape` row-major from `to` on, reading with the given strides; returns the end. */
function gather(
  memory: TypedArray,
  from: number,
  to: number,
  shape: Shape,
  steps: readonly number[],
  axis: number,
): number {
  if (axis === shape.length) {
    memory[to] = memory[from]!
    return to + 1
  }
  let end = to
  for (let i = 0; i < shape[axis]!; i += 1) {
    end = gather(memory, from + i * steps[axis]!, end, shape, steps, axis + 1)
  }
  return end
}

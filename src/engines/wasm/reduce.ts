import { sizeOf, type Shape } from '../../program/program.ts'
import { runsOf } from '../../program/shapes.ts'
import { broadcastStrides } from './broadcast.ts'
import { strides } from './copy.ts'
import { start, type Emission, type Emitters, type Step } from './emit.ts'

/** Reductions, accumulated in double precision. */
export const REDUCE: Emitters<'reduceSum' | 'reduceMean' | 'reduceMax' | 'reduceMaxGradient'> = {
  reduceSum: (e) => reduction(e, 'sum'),
  reduceMean: (e) => reduction(e, 'mean'),
  reduceMax: (e) => reduction(e, 'max'),
  reduceMaxGradient,
}

type Kind = 'sum' | 'mean' | 'max'

function reduction(e: Emission<'reduceSum' | 'reduceMean' | 'reduceMax'>, kind: Kind): Step {
  const { kernels, inputs, output, attributes } = e
  const runs = runsOf(attributes.axes)
  // One run of neighbouring axes at a time, the last first; each leaves its axes with length 1.
  const steps: Step[] = []
  let from = inputs[0]!
  runs.forEach(([first, last], i) => {
    const shape = from.shape.map((n, axis) => (axis >= first && axis <= last ? 1 : n))
    const to = i === runs.length - 1 ? output : e.temporary(shape)
    const source = from
    const outer = sizeOf(source.shape.slice(0, first))
    const count = sizeOf(source.shape.slice(first, last + 1))
    const inner = sizeOf(source.shape.slice(last + 1))
    const loop = middle(kind, outer, count, inner)
    steps.push(() => loop(kernels.f32(), start(source), start(to)))
    from = to
  })
  return steps.length === 1 ? steps[0]! : () => steps.forEach((step) => step())
}

/** Reduces the middle axis of [outer, count, inner]. */
function middle(
  kind: Kind,
  outer: number,
  count: number,
  inner: number,
): (memory: Float32Array, from: number, to: number) => void {
  const sums = new Float64Array(inner)
  const scale = kind === 'mean' ? 1 / count : 1
  return (memory, from, to) => {
    let a = from
    for (let o = 0; o < outer; o += 1) {
      if (kind === 'max') maxima(memory, a, count, sums)
      else totals(memory, a, count, sums)
      a += count * inner
      const b = to + o * inner
      for (let j = 0; j < inner; j += 1) memory[b + j] = sums[j]! * scale
    }
  }
}

/** Of `count` rows of so many elements as `into` has, from `start` on. */
function maxima(memory: Float32Array, start: number, count: number, into: Float64Array): void {
  const width = into.length
  into.fill(-Infinity)
  for (let i = 0, a = start; i < count; i += 1, a += width) {
    for (let j = 0; j < width; j += 1) into[j] = Math.max(into[j]!, memory[a + j]!)
  }
}

/** Likewise; four rows at a time, so that the sums themselves are read and written less often. */
function totals(memory: Float32Array, start: number, count: number, into: Float64Array): void {
  const width = into.length
  into.fill(0)
  let a = start
  let i = 0
  for (; i + 4 <= count; i += 4, a += 4 * width) {
    const [b, c, d] = [a + width, a + 2 * width, a + 3 * width]
    for (let j = 0; j < width; j += 1) {
      into[j]! += memory[a + j]! + memory[b + j]! + (memory[c + j]! + memory[d + j]!)
    }
  }
  for (; i < count; i += 1, a += width) {
    for (let j = 0; j < width; j += 1) into[j]! += memory[a + j]!
  }
}

function reduceMaxGradient({
  kernels,
  inputs,
  output,
  attributes: { axes },
}: Emission<'reduceMaxGradient'>): Step {
  const [dy, x, y] = [inputs[0]!, inputs[1]!, inputs[2]!]
  const kept = x.shape.map((n, axis) => (axes.includes(axis) ? 1 : n))
  const positions = positionsOf(kept, x.shape)
  const ties = new Int32Array(sizeOf(kept))
  return () => {
    const memory = kernels.f32()
    const [a, b, c, to] = [start(dy), start(x), start(y), start(output)]
    ties.fill(0)
    for (let i = 0; i < positions.length; i += 1) {
      const k = positions[i]!
      if (memory[b + i] === memory[c + k]) ties[k]! += 1
    }
    for (let i = 0; i < positions.length; i += 1) {
      const k = positions[i]!
      memory[to + i] = memory[b + i] === memory[c + k] ? memory[a + k]! / ties[k]! : 0
    }
  }
}

/** For each element of `target`, the element of `shape` that broadcasting puts there. */
function positionsOf(shape: Shape, target: Shape): Int32Array {
  const steps = broadcastStrides(shape, target)
  const sizes = strides(target)
  return Int32Array.from({ length: sizeOf(target) }, (_, i) =>
    target.reduce((sum, n, axis) => sum + (Math.floor(i / sizes[axis]!) % n) * steps[axis]!, 0),
  )
}

import type { GpuProgram, Layout } from './tfjs.ts'

/** Threads that keep a GPU busy. */
const THREADS = 2 ** 16

/** Sums along the middle of [outer, count, inner] in steps: the first makes [outer, parts, inner] of it, and so on. */
export interface SumStep {
  readonly parts: number
  /** What every sum is divided by. */
  readonly divisor: number
}

/**
 * tfjs sums along the last axis only, and turns the whole tensor around for others. Here each thread goes down a column, as
 * neighbours do beside it; where columns are few, each is cut in parts whose sums are summed. `divisor`: for means.
 */
export function sumSteps(
  [outer, count, inner]: readonly [number, number, number],
  divisor: number,
): readonly SumStep[] {
  const columns = outer * inner
  const parts = Math.min(Math.ceil(Math.sqrt(count)), Math.ceil(THREADS / columns))
  if (parts <= 1) return [{ parts: 1, divisor }]
  return [
    { parts, divisor: 1 },
    { parts: 1, divisor },
  ]
}

/** One step: an element of the output each thread. The uniform `divisor` goes with it. */
export function sumProgram(
  layout: Layout,
  [outer, parts, inner]: readonly [number, number, number],
): GpuProgram {
  const outputShape = [outer, parts, inner]
  const workgroupSize = [64, 1, 1]
  const dispatchLayout = layout.flatDispatchLayout(outputShape)
  return {
    variableNames: ['A'],
    outputShape,
    workgroupSize,
    size: true,
    dispatchLayout,
    dispatch: layout.computeDispatch(dispatchLayout, outputShape, workgroupSize),
    uniforms: 'divisor : f32,',
    shaderKey: 'graft sum',
    getUserCode: () => `
      fn main(index : i32) {
        if (index < uniforms.size) {
          let parts = uniforms.outShape.y;
          let inner = uniforms.outShape.z;
          let count = i32(arrayLength(&A)) / (uniforms.outShape.x * inner);
          let each = (count + parts - 1) / parts;
          let column = index % inner;
          let part = (index / inner) % parts;
          let first = index / (inner * parts) * count;
          var sum = 0.0;
          for (var row = part * each; row < min(count, (part + 1) * each); row = row + 1) {
            sum = sum + A[(first + row) * inner + column];
          }
          result[index] = sum / uniforms.divisor;
        }
      }`,
  }
}

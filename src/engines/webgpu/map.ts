import type { Shape } from '../../program/program.ts'
import type { GpuProgram, Layout } from './tfjs.ts'

/** A kernel of our own: one thread an element of the output. */
export interface MapCode {
  /** For each input, whether it has the output's shape; else it is repeated, as its last axes are the output's. */
  readonly whole: readonly boolean[]
  /** WGSL that makes `y` of x0, x1, ..., each thread's elements of the inputs as f32. */
  readonly body: string
}

export const TO_FLOAT: MapCode = { whole: [true], body: 'let y = x0;' }

/** One storage buffer less than WebGPU grants to every kernel. */
export const MOST_INPUTS = 7

/** As tfjs wants it; its own names begin with the capital letters. */
export function mapProgram(layout: Layout, { whole, body }: MapCode, shape: Shape): GpuProgram {
  const workgroupSize = [64, 1, 1]
  const dispatchLayout = layout.flatDispatchLayout(shape)
  const variableNames = whole.map((_, i) => String.fromCharCode(65 + i))
  const read = whole.map((isWhole, i) => {
    const array = variableNames[i]!
    // A buffer is as long as its tensor: a single number is at 0, a channel's at the remainder.
    const at = isWhole ? 'index' : `u32(index) % arrayLength(&${array})`
    return `let x${i} = f32(${array}[${at}]);`
  })
  return {
    variableNames,
    outputShape: shape,
    workgroupSize,
    size: true,
    dispatchLayout,
    dispatch: layout.computeDispatch(dispatchLayout, shape, workgroupSize),
    shaderKey: `graft ${whole.join()} ${body}`,
    getUserCode: () => `
      fn main(index : i32) {
        if (index < uniforms.size) {
          ${read.join('\n          ')}
          ${body}
          result[index] = y;
        }
      }`,
  }
}

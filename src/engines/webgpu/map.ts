import type { Shape } from '../../program/program.ts'
import type { GpuProgram, Layout } from './tfjs.ts'

/** Names of the inputs: arrays in capitals, and each thread's element of them as f32 in small letters. */
const NAMES = ['A', 'B', 'C'] as const

/** What a kernel of our own computes of one element of each input: a WGSL expression in a, b, c. */
export interface MapCode {
  readonly name: string
  readonly expression: string
}

/** What tfjs lacks or computes too roughly, in one kernel each; inputs and output have the same shape. */
export const MAPS = {
  toFloat: { name: 'toFloat', expression: 'a' },
  /** dy where x is positive: a product would make NaN of an infinite dy. */
  reluGradient: { name: 'reluGradient', expression: 'select(0.0, a, b > 0.0)' },
  relu6Gradient: { name: 'relu6Gradient', expression: 'select(0.0, a, b > 0.0 && b < 6.0)' },
  /** tfjs' own formula leaves three digits of small numbers; these are the first terms of the series. */
  tanh: {
    name: 'tanh',
    expression: `select(
      sign(a) * (1.0 - exp(-2.0 * abs(a))) / (1.0 + exp(-2.0 * abs(a))),
      a * (1.0 - a * a * (1.0 / 3.0 - a * a * (2.0 / 15.0 - a * a * (17.0 / 315.0)))),
      abs(a) < 0.15)`,
  },
} as const satisfies Readonly<Record<string, MapCode>>

/** One thread an element. */
export function mapProgram(
  layout: Layout,
  { name, expression }: MapCode,
  shape: Shape,
  inputs: number,
): GpuProgram {
  const workgroupSize = [64, 1, 1]
  const dispatchLayout = layout.flatDispatchLayout(shape)
  const variableNames = NAMES.slice(0, inputs)
  const read = variableNames.map((v) => `let ${v.toLowerCase()} = f32(${v}[index]);`).join(' ')
  return {
    variableNames,
    outputShape: shape,
    workgroupSize,
    size: true,
    dispatchLayout,
    dispatch: layout.computeDispatch(dispatchLayout, shape, workgroupSize),
    shaderKey: `graft_${name}`,
    getUserCode: () => `
      fn main(index : i32) {
        if (index < uniforms.size) { ${read} result[index] = ${expression}; }
      }`,
  }
}

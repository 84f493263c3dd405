import type { ConvAttributes } from '../../program/ops.ts'
import type { Shape } from '../../program/program.ts'
import { activationCode, type Emission, type Fused, type Step } from './emit.ts'
import type { Kernels, Operand } from './kernels.ts'

type Convolution = Emission<'conv2d' | 'depthwiseConv2d'>
export type ConvolutionName = '_FusedConv2D' | '_FusedDepthwiseConv2D'

/** As it stands in the program, with what is fused into it. */
export function convolution(
  { kernels, inputs, output, ...e }: Convolution,
  name: ConvolutionName,
): Step {
  const [x, filter] = [inputs[0]!, inputs[1]!]
  const { bias } = e.fused
  const padding = paddingOf(x.shape, filter.shape, e.attributes, e.fused)
  return convolve(kernels, name, {
    x,
    filter,
    bias,
    padding,
    dilations: e.attributes.dilations,
    strides: e.attributes.strides,
    activation: activationCode(e.fused),
    output,
  })
}

/** One call of the kernel. */
export function convolve(
  kernels: Kernels,
  name: ConvolutionName,
  {
    x,
    filter,
    bias,
    output,
    ...a
  }: {
    x: Operand
    filter: Operand
    bias: Operand | undefined
    output: Operand
    /** Top, right, bottom, left. */
    padding: readonly [number, number, number, number]
    dilations: readonly [number, number]
    strides: readonly [number, number]
    activation: number
  },
): Step {
  const { c } = kernels
  const [batch, height, width, channels] = x.shape as [number, number, number, number]
  const input = [x.id, batch, height, width]
  const weights = [filter.id, filter.shape[0]!, filter.shape[1]!, bias?.id ?? 0]
  // Not its own `same` (the 0): that is wrong where a stride is greater than the window.
  const window = [...a.padding, 0, ...a.dilations, ...a.strides]
  const result = [channels, output.shape[3]!, a.activation, 0, 0, output.id]
  const numbers = [...input, ...weights, ...window, ...result]
  const drop = dropPacked(kernels, [filter, bias])
  return () => {
    c[name](...numbers)
    drop?.()
  }
}

/** Top, right, bottom, left. */
export function paddingOf(
  [, height, width]: Shape,
  [kernelHeight, kernelWidth]: Shape,
  { padding, strides, dilations }: Pick<ConvAttributes, 'padding' | 'strides' | 'dilations'>,
  { padding: around }: Fused = {},
): [number, number, number, number] {
  if (around) return [around[0][0], around[1][1], around[0][1], around[1][0]]
  if (padding === 'valid') return [0, 0, 0, 0]
  const along = (n: number, window: number, stride: number, dilation: number) => {
    const out = Math.ceil(n / stride)
    const total = Math.max(0, (out - 1) * stride + (window - 1) * dilation + 1 - n)
    return [Math.floor(total / 2), Math.ceil(total / 2)] as const
  }
  const [top, bottom] = along(height!, kernelHeight!, strides[0], dilations[0])
  const [left, right] = along(width!, kernelWidth!, strides[1], dilations[1])
  return [top, right, bottom, left]
}

/**
 * The kernels keep what they packed by the tensor's id; after a run with values that will be others next time
 * it must go. (All of them together: each keeps a list of what was packed with it.)
 */
export function dropPacked(
  kernels: Kernels,
  packed: readonly (Operand | undefined)[],
): Step | undefined {
  const operands = packed.filter((t) => t !== undefined)
  if (operands.every((t) => t.lasting)) return undefined
  return () => {
    for (const t of operands) {
      kernels.release(t)
      kernels.register(t)
    }
  }
}

import type { ConvAttributes } from '../../program/ops.ts'
import type { Shape } from '../../program/program.ts'
import { activationCode, type Emission, type Emitters, type Fused, type Step } from './emit.ts'
import { FLOAT32, type Kernels, type Operand } from './kernels.ts'

export const CONVOLUTION: Emitters<'conv2d' | 'depthwiseConv2d' | 'matMul'> = {
  conv2d: (e) => convolution(e, '_FusedConv2D'),
  depthwiseConv2d: (e) => convolution(e, '_FusedDepthwiseConv2D'),
  matMul,
}

function convolution(
  { kernels, inputs, output, attributes: a, fused }: Emission<'conv2d' | 'depthwiseConv2d'>,
  name: '_FusedConv2D' | '_FusedDepthwiseConv2D',
): Step {
  const [x, filter] = [inputs[0]!, inputs[1]!]
  const { c } = kernels
  const [, height, width, channels] = x.shape as [number, number, number, number]
  const [top, right, bottom, left] = paddingOf(x.shape, filter.shape, a, fused)
  const input = [x.id, x.shape[0]!, height, width]
  const weights = [filter.id, filter.shape[0]!, filter.shape[1]!, fused.bias?.id ?? 0]
  // XNNPACK has TensorFlow's `same` built in.
  const window = [top, right, bottom, left, a.padding === 'same' ? 1 : 0]
  const result = [channels, output.shape[3]!, activationCode(fused), 0, 0, output.id]
  const numbers = [...input, ...weights, ...window, ...a.dilations, ...a.strides, ...result]
  const drop = dropPacked(kernels, [filter, fused.bias])
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
function dropPacked(kernels: Kernels, packed: readonly (Operand | undefined)[]): Step | undefined {
  const operands = packed.filter((t) => t !== undefined)
  if (operands.every((t) => t.lasting)) return undefined
  return () => {
    for (const t of operands) {
      kernels.release(t)
      kernels.register(t)
    }
  }
}

/** XNNPACK's fully connected layer; the kernel's own transposed forms are naive loops, so transpose first. */
function matMul(e: Emission<'matMul'>): Step {
  const { kernels, inputs, output, attributes, fused, integers } = e
  const { c } = kernels
  const before: Step[] = []
  const upright = (t: Operand, transposed: boolean): Operand => {
    if (!transposed) return t
    const [rows, columns] = t.shape as [number, number]
    const turned = e.temporary([columns, rows])
    const shape = integers(t.shape)
    const order = integers([1, 0])
    before.push(() => c._Transpose(t.id, shape, 2, FLOAT32, turned.id, order, 2))
    return turned
  }
  const a = upright(inputs[0]!, attributes.transposeA)
  const b = upright(inputs[1]!, attributes.transposeB)
  const [aShape, bShape] = [integers([1, ...a.shape]), integers([1, ...b.shape])]
  const activation = activationCode(fused)
  const bias = fused.bias?.id ?? 0
  const drop = dropPacked(kernels, [b, fused.bias])
  return () => {
    for (const step of before) step()
    c.__FusedMatMul(a.id, aShape, 3, b.id, bShape, 3, 0, 0, activation, bias, 0, 0, output.id)
    drop?.()
  }
}

import { dropPacked } from './convolution.ts'
import { activationCode, type Emission, type Step } from './emit.ts'
import { FLOAT32, type Operand } from './kernels.ts'

/** XNNPACK's fully connected layer; the kernel's own transposed forms are naive loops, so transpose first. */
export function matMul(e: Emission<'matMul'>): Step {
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

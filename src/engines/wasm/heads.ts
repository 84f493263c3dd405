import { sizeOf } from '../../program/program.ts'
import { broadcast2 } from './broadcast.ts'
import { start, type Emitters } from './emit.ts'

/** Softmax and the cross-entropies on logits. */
export const HEADS: Emitters<'softmax' | 'softmaxCrossEntropy' | 'sigmoidCrossEntropy'> = {
  softmax({ kernels: { c }, inputs: [x], output }) {
    const channels = x!.shape.at(-1)!
    const rows = sizeOf(x!.shape) / channels
    return () => c._Softmax(x!.id, output.id, channels, rows)
  },
  softmaxCrossEntropy({ kernels, inputs, output }) {
    const [logits, targets] = [inputs[0]!, inputs[1]!]
    const [rows, classes] = logits.shape as [number, number]
    return () => {
      const memory = kernels.f32()
      const to = start(output)
      for (let i = 0; i < rows; i += 1) {
        const x = start(logits) + i * classes
        const z = start(targets) + i * classes
        let top = -Infinity
        for (let j = 0; j < classes; j += 1) top = Math.max(top, memory[x + j]!)
        let sum = 0
        for (let j = 0; j < classes; j += 1) sum += Math.exp(memory[x + j]! - top)
        const shift = top + Math.log(sum)
        let loss = 0
        for (let j = 0; j < classes; j += 1) {
          const target = memory[z + j]!
          // A class that is impossible (logit -Infinity) and not asked for costs nothing.
          if (target !== 0) loss += target * (shift - memory[x + j]!)
        }
        memory[to + i] = sum === sum ? loss : NaN
      }
    }
  },
  sigmoidCrossEntropy({ kernels, inputs, output }) {
    const [x, z] = [inputs[0]!, inputs[1]!]
    const loop = broadcast2(
      x.shape,
      z.shape,
      output.shape,
      (a, b) => Math.max(a, 0) - a * b + Math.log1p(Math.exp(-Math.abs(a))),
    )
    return () => loop(kernels.f32(), start(x), start(z), start(output))
  },
}

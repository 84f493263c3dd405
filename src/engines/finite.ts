import type { OpAttributes, OpName } from '../program/ops.ts'
import type { Node, Tensor, TensorData } from '../program/program.ts'

/** Ops that can make NaN or infinity of numbers of a sane size. */
const HARMFUL: ReadonlySet<OpName> = new Set(['exp', 'log', 'sqrt', 'rsqrt', 'divide', 'power'])

/**
 * The tensors that hold no NaN whatever is fed: what is computed from integer inputs and finite constants alone, as
 * a frozen trunk is. Not so variables, which can diverge, and float feeds.
 */
export function finiteTensors(nodes: readonly Node[]): Set<Tensor> {
  const finite = new Set<Tensor>()
  for (const node of nodes) {
    if (!isFinite(node, finite)) continue
    for (const output of node.outputs) finite.add(output)
  }
  return finite
}

function isFinite({ op, inputs, attributes }: Node, finite: ReadonlySet<Tensor>): boolean {
  if (op === 'input') return (attributes as OpAttributes['input']).dtype !== 'float32'
  if (op === 'variable') return false
  if (op === 'constant') return allFinite((attributes as OpAttributes['constant']).data)
  if (op === 'divide' && isDivisor(inputs[1]!)) return finite.has(inputs[0]!)
  return !HARMFUL.has(op) && inputs.every((t) => finite.has(t))
}

/** A constant without zeros, as preprocessing divides by. */
function isDivisor({ node }: Tensor): boolean {
  if (node.op !== 'constant') return false
  const { data } = node.attributes as OpAttributes['constant']
  return allFinite(data) && !data.includes(0)
}

const known = new WeakMap<TensorData, boolean>()

function allFinite(data: TensorData): boolean {
  if (!(data instanceof Float32Array)) return true
  let answer = known.get(data)
  if (answer === undefined) {
    // One number that is not finite makes the sum of x * 0 NaN.
    let sum = 0
    for (let i = 0; i < data.length; i += 1) sum += data[i]! * 0
    answer = sum === 0
    known.set(data, answer)
  }
  return answer
}

import { sizeOf, type Node, type Tensor, type TensorData } from '../../program/program.ts'
import type { OpAttributes, OpName } from '../../program/ops.ts'
import { computeNode, type Doubles } from '../../program/reference.ts'
import type { Instruction } from '../fuse.ts'

/** Single numbers computed here from feeds, as the corrections of Adam's rate are. */
export interface HostPart {
  /** In order. */
  readonly nodes: readonly Node[]
  /** What they compute, and the single numbers among the feeds. */
  readonly known: ReadonlySet<Tensor>
}

const OPS: ReadonlySet<OpName> = new Set<OpName>([
  ...(['add', 'subtract', 'multiply', 'divide', 'maximum', 'minimum', 'power'] as const),
  ...(['exp', 'log', 'sqrt', 'rsqrt', 'square', 'negative'] as const),
])

/**
 * Parts instructions into what is computed here, in float64 and rounded to float32 each time, and the rest. A kernel for one
 * number costs as much as one for thousands, and a GPU's power and logarithm near 1 have four digits: 1 - 0.999 ** 1.
 */
export function partHost(
  instructions: readonly Instruction[],
  feeds: readonly Tensor[],
): { readonly host: HostPart; readonly rest: readonly Instruction[] } {
  const known = new Set(feeds.filter(isNumber))
  const nodes: Node[] = []
  const rest: Instruction[] = []
  for (const instruction of instructions) {
    const { op, output } = instruction
    const { inputs } = output.node
    const ready = inputs.every((t) => known.has(t) || (t.node.op === 'constant' && isNumber(t)))
    if (OPS.has(op) && isNumber(output) && ready) {
      nodes.push(output.node)
      known.add(output)
    } else rest.push(instruction)
  }
  return { host: { nodes, known }, rest }
}

/** The values of `known`, by tensor. */
export function computeHost(
  { nodes, known }: HostPart,
  fed: (tensor: Tensor) => TensorData,
): ReadonlyMap<Tensor, Float32Array> {
  const values = new Map<Tensor, Float32Array>()
  for (const t of known) if (t.node.op === 'input') values.set(t, Float32Array.from(fed(t)))
  for (const node of nodes) {
    const inputs = node.inputs.map((t) => ({ shape: t.shape, data: doubles(t, values) }))
    values.set(node.outputs[0]!, Float32Array.from(computeNode(node, inputs)))
  }
  return values
}

function doubles(t: Tensor, values: ReadonlyMap<Tensor, Float32Array>): Doubles {
  const value = values.get(t) ?? (t.node.attributes as OpAttributes['constant']).data
  return Float64Array.from(value)
}

function isNumber({ shape, dtype }: Tensor): boolean {
  return dtype === 'float32' && sizeOf(shape) === 1
}

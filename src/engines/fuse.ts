import { reach, rootsOf } from '../program/builder.ts'
import type { OpAttributes, OpName } from '../program/ops.ts'
import type { Entry, Node, Tensor } from '../program/program.ts'
import { finiteTensors } from './finite.ts'

/** What one kernel computes beside its own op. */
export interface Chain {
  readonly activation: 'relu' | 'relu6' | undefined
  /** Zero rows and columns around the input, [[top, bottom], [left, right]]. */
  readonly padding: readonly [readonly [number, number], readonly [number, number]] | undefined
}

/** One kernel call to be: a node, or a chain of nodes that one kernel computes. */
export interface Instruction extends Chain {
  readonly op: OpName
  readonly attributes: OpAttributes[OpName]
  readonly inputs: readonly Tensor[]
  readonly bias: Tensor | undefined
  /** Nothing it reads can hold NaN, so that the clamps of the kernels (which drop NaN) are right. */
  readonly finite: boolean
  /** Of the chain's last node. */
  readonly output: Tensor
}

const FUSING: ReadonlySet<OpName> = new Set(['conv2d', 'depthwiseConv2d', 'matMul'])

/**
 * The entry's nodes in order, with bias, relu or relu6 behind a convolution or matMul, and zero padding before a
 * `valid` convolution, taken into it where nobody else looks at what is in between.
 */
export function fuse(program: { nodes: readonly Node[] }, entry: Entry): Instruction[] {
  const needed = reach(rootsOf(entry))
  const nodes = program.nodes.filter((node) => needed.has(node))
  const uses = countUses(nodes, entry)
  const finite = finiteTensors(nodes)
  const instructions = new Map<Tensor, Instruction>()
  for (const node of nodes) {
    const x = node.inputs[0]
    const chain = x && uses.get(x) === 1 ? instructions.get(x) : undefined
    const grown = chain && grow(chain, node, finite)
    // It moves to where its last part stands: the bias is there by then.
    if (grown) instructions.delete(x!)
    instructions.set(node.outputs[0]!, grown ?? single(node, uses, finite))
  }
  return [...instructions.values()].filter((i) => uses.get(i.output)! > 0)
}

function single(node: Node, uses: Map<Tensor, number>, known: ReadonlySet<Tensor>): Instruction {
  const { op, attributes, inputs, outputs } = node
  const nothing = { bias: undefined, activation: undefined }
  const finite = inputs.every((t) => known.has(t))
  const plain = { op, attributes, ...nothing, finite, output: outputs[0]! }
  const padding = zeroPadding(node)
  if (!padding) return { ...plain, inputs, padding: undefined }
  const padded = inputs[0]!
  uses.set(padded, uses.get(padded)! - 1)
  return { ...plain, inputs: [padded.node.inputs[0]!, ...inputs.slice(1)], padding }
}

/** The rows and columns that a `pad` before this `valid` convolution adds. */
function zeroPadding(node: Node): Chain['padding'] {
  if (node.op !== 'conv2d' && node.op !== 'depthwiseConv2d') return undefined
  if ((node.attributes as OpAttributes['conv2d']).padding !== 'valid') return undefined
  const before = node.inputs[0]!.node
  if (before.op !== 'pad') return undefined
  const { padding, value } = before.attributes as OpAttributes['pad']
  const [batch, rows, columns, channels] = padding
  const inside = [...batch!, ...channels!].every((n) => n === 0)
  return inside && value === 0 ? [rows!, columns!] : undefined
}

function grow(chain: Instruction, node: Node, known: ReadonlySet<Tensor>): Instruction | undefined {
  if (!FUSING.has(chain.op) || chain.activation) return undefined
  const output = node.outputs[0]!
  if (node.op === 'biasAdd' && !chain.bias) {
    const bias = node.inputs[1]!
    return { ...chain, bias, finite: chain.finite && known.has(bias), output }
  }
  if ((node.op === 'relu' || node.op === 'relu6') && chain.finite) {
    return { ...chain, activation: node.op, output }
  }
  return undefined
}

function countUses(nodes: readonly Node[], entry: Entry): Map<Tensor, number> {
  const uses = new Map<Tensor, number>()
  const use = (t: Tensor): void => void uses.set(t, (uses.get(t) ?? 0) + 1)
  for (const node of nodes) node.inputs.forEach(use)
  rootsOf(entry).forEach(use)
  return uses
}

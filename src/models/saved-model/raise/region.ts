import { Builder } from '../../../program/builder.ts'
import { evaluate } from '../../../program/evaluate.ts'
import type { OpAttributes, OpName } from '../../../program/ops.ts'
import type { Node, Tensor } from '../../../program/program.ts'
import type { Doubles } from '../../../program/reference.ts'
import { sameShape, type ByChannel, type Known } from './known.ts'

/** The ops between a tensor and one that all its ways come from: place by place, or along its last axis. */
export interface Region {
  readonly source: Tensor
  /** The last first. */
  readonly nodes: readonly Node[]
  /** The known tensors that they take, by channel. */
  readonly operands: ReadonlyMap<Tensor, ByChannel>
  /** Along the last axis too: what comes out depends on all channels of a place. */
  readonly isRowwise: boolean
}

const REDUCTIONS: ReadonlySet<OpName> = new Set(['reduceMean', 'reduceSum'])
// prettier-ignore
const POINTWISE: ReadonlySet<OpName> = new Set([
  'add', 'subtract', 'multiply', 'divide', 'negative', 'biasAdd', 'relu', 'relu6', 'sigmoid', 'tanh', 'softplus', 'exp', 'log',
  'sqrt', 'rsqrt', 'square', 'erf', 'silu', 'gelu', 'maximum', 'minimum', 'power', 'reluGradient',
])

/** Ops that one layer stands for at most. */
const MOST = 24

/** Those that end in a tensor, of two ops or more, the smallest first. */
export function regionsOf(t: Tensor, known: Known): Region[] {
  const found: Region[] = []
  const nodes: Node[] = []
  const operands = new Map<Tensor, ByChannel>()
  const open = new Set([t])
  while (nodes.length < MOST) {
    const [last] = [...open].sort((a, b) => b.node.id - a.node.id)
    if (!last) break
    if (open.size === 1 && nodes.length > 1) {
      const isRowwise = nodes.some(({ op }) => REDUCTIONS.has(op))
      found.push({ source: last, nodes: [...nodes], operands: new Map(operands), isRowwise })
    }
    const taken = operandsOf(last, known)
    if (!taken) break
    open.delete(last)
    nodes.push(last.node)
    for (const [operand, values] of taken) operands.set(operand, values)
    for (const input of known.unknown(last.node)) open.add(input)
  }
  return found
}

/** The known inputs of an op that a region may have; undefined: of another. */
function operandsOf({ node, shape }: Tensor, known: Known): Map<Tensor, ByChannel> | undefined {
  const isRow = REDUCTIONS.has(node.op) && isOfRow(node)
  if (!isRow && !POINTWISE.has(node.op)) return undefined
  const channels = Math.max(...node.inputs.map((t) => t.shape.at(-1) ?? 1))
  const operands = new Map<Tensor, ByChannel>()
  for (const input of node.inputs) {
    if (!known.has(input)) {
      if (!sameShape(input.shape.slice(0, -1), shape.slice(0, -1))) return undefined
      continue
    }
    const values = known.byChannel(input, channels)
    if (!values) return undefined
    operands.set(input, values)
  }
  return operands
}

function isOfRow({ inputs: [x], attributes }: Node): boolean {
  const { axes, keepDims } = attributes as OpAttributes['reduceMean']
  return keepDims && axes.length === 1 && axes[0] === x!.shape.length - 1
}

/** What comes out of a region for `rows` [count, channels]. */
export function valuesOf({ source, nodes, operands }: Region, rows: Doubles, channels: number) {
  const b = new Builder()
  const count = rows.length / channels
  const made = new Map([[source, b.input('x', [count, channels])]])
  const width = (t: Tensor): number => made.get(t)?.shape[1] ?? operands.get(t)!.length
  for (const node of nodes.toReversed()) {
    const widest = Math.max(...node.inputs.map(width))
    const inputs = node.inputs.map((t) => {
      const own = made.get(t)
      if (own) return own
      const values = Float32Array.from(operands.get(t)!)
      return b.broadcastTo(b.constant(values, [values.length]), [count, widest])
    })
    const attributes = REDUCTIONS.has(node.op) ? { axes: [1], keepDims: true } : node.attributes
    const op = node.op === 'biasAdd' ? 'add' : node.op
    made.set(node.outputs[0]!, b.node(op, inputs, attributes as never)[0]!)
  }
  b.entry('run', { fetches: { y: made.get(nodes[0]!.outputs[0]!)! }, updates: [] })
  return evaluate(b.program(), 'run', { x: rows }).fetches['y']!
}

import { SERIES, TAIL } from '../../util/erf.ts'
import type { OpName } from '../../program/ops.ts'
import { sizeOf, type Shape, type Tensor } from '../../program/program.ts'
import type { Instruction } from '../fuse.ts'
import { MOST_INPUTS, type MapCode } from './map.ts'

/** Several nodes that work element by element, in one kernel: what is between them never leaves the processor's registers. */
export interface Cluster {
  readonly code: MapCode
  readonly inputs: readonly Tensor[]
  readonly output: Tensor
}

/** WGSL of an element, by op. */
const EXPRESSIONS: { readonly [Name in OpName]?: (a: string, b: string) => string } = {
  add: (a, b) => `${a} + ${b}`,
  biasAdd: (a, b) => `${a} + ${b}`,
  subtract: (a, b) => `${a} - ${b}`,
  multiply: (a, b) => `${a} * ${b}`,
  divide: (a, b) => `${a} / ${b}`,
  maximum: (a, b) => orNaN(`max(${a}, ${b})`, a, b),
  minimum: (a, b) => orNaN(`min(${a}, ${b})`, a, b),
  negative: (a) => `-${a}`,
  square: (a) => `${a} * ${a}`,
  sqrt: (a) => `sqrt(${a})`,
  rsqrt: (a) => `1.0 / sqrt(${a})`,
  sigmoid: (a) => `1.0 / (1.0 + exp(-${a}))`,
  relu: (a) => `select(${a}, 0.0, ${a} < 0.0)`,
  relu6: (a) => `select(select(${a}, 6.0, ${a} > 6.0), 0.0, ${a} < 0.0)`,
  // Where x is positive dy itself: a product would make NaN of an infinite dy.
  reluGradient: (dy, x) => `select(0.0, ${dy}, ${x} > 0.0)`,
  relu6Gradient: (dy, x) => `select(0.0, ${dy}, ${x} > 0.0 && ${x} < 6.0)`,
  // tfjs' formula leaves three digits of small numbers; for these the first terms of the series.
  tanh: (a) => {
    const tail = `exp(-2.0 * abs(${a}))`
    const whole = `sign(${a}) * (1.0 - ${tail}) / (1.0 + ${tail})`
    const series = `1.0 / 3.0 - ${a} * ${a} * (2.0 / 15.0 - ${a} * ${a} * (17.0 / 315.0))`
    return `select(${whole}, ${a} * (1.0 - ${a} * ${a} * (${series})), abs(${a}) < 0.15)`
  },
  // As util/erf.ts has it; tfjs' formula leaves five digits of small numbers.
  erf: (a) => {
    const series = SERIES.map(literal).reduceRight((sum, c) => `(${sum}) * ${a} * ${a} + ${c}`)
    const t = `(1.0 / (1.0 + 0.3275911 * abs(${a})))`
    const tail = TAIL.map(literal).reduceRight((sum, c) => `(${sum}) * ${t} + ${c}`)
    const whole = `sign(${a}) * (1.0 - (${tail}) * ${t} * exp(-${a} * ${a}))`
    return `select(${whole}, ${a} * (${series}), abs(${a}) < 1.0)`
  },
}

/** tfjs has no kernel for these, or not a good one: they are kernels of ours also alone. */
const OWN: ReadonlySet<OpName> = new Set(['reluGradient', 'relu6Gradient', 'tanh', 'erf'])

/**
 * The same work with nodes that work element by element drawn together where one is all that reads another. On a GPU each
 * kernel reads and writes whole tensors, and recording one takes 0.05 ms: Adam's update of a weight has fourteen.
 */
export function cluster(
  instructions: readonly Instruction[],
  kept: ReadonlySet<Tensor>,
): (Instruction | Cluster)[] {
  const readers = countReaders(instructions, kept)
  const groups = new Map<Tensor, Group>()
  for (const instruction of instructions) {
    if (!fits(instruction)) continue
    groups.set(instruction.output, gathered(instruction, groups, readers))
  }
  return instructions.flatMap((instruction) => {
    if (!fits(instruction)) return [instruction]
    const group = groups.get(instruction.output)
    if (!group) return []
    const isOwn = group.nodes.length > 1 || OWN.has(instruction.op)
    return [isOwn ? clusterOf(group) : instruction]
  })
}

/** Nodes in order, the last of which gives the output. */
interface Group {
  readonly nodes: readonly Instruction[]
  readonly inputs: readonly Tensor[]
}

/** The instruction with those groups that it alone reads, which are groups no longer. */
function gathered(
  instruction: Instruction,
  groups: Map<Tensor, Group>,
  readers: ReadonlyMap<Tensor, number>,
): Group {
  const nodes: Instruction[] = []
  let inputs = [...new Set(instruction.inputs)]
  for (const t of new Set(instruction.inputs)) {
    const group = groups.get(t)
    if (!group || readers.get(t) !== 1 || !sameShape(t.shape, instruction.output.shape)) continue
    const more = [...new Set([...inputs.filter((other) => other !== t), ...group.inputs])]
    if (more.length > MOST_INPUTS) continue
    inputs = more
    nodes.push(...group.nodes)
    groups.delete(t)
  }
  return { nodes: [...nodes, instruction], inputs }
}

function clusterOf({ nodes, inputs }: Group): Cluster {
  const { output } = nodes.at(-1)!
  const names = new Map(inputs.map((t, i) => [t, `x${i}`]))
  const lines = nodes.map(({ op, inputs: from, output: to }, i) => {
    const name = to === output ? 'y' : `v${i}`
    names.set(to, name)
    const [a = '', b = ''] = from.map((t) => names.get(t)!)
    return `let ${name} = ${EXPRESSIONS[op]!(a, b)};`
  })
  const whole = inputs.map((t) => sizeOf(t.shape) === sizeOf(output.shape))
  return { code: { whole, body: lines.join(' ') }, inputs, output }
}

/** Floats all, and every input as large as the output or repeated along its first axes. */
function fits({ op, inputs, output }: Instruction): boolean {
  return (
    EXPRESSIONS[op] !== undefined &&
    [...inputs, output].every((t) => t.dtype === 'float32') &&
    inputs.every((t) => repeats(t.shape, output.shape))
  )
}

function repeats(shape: Shape, whole: Shape): boolean {
  const first = shape.findIndex((n) => n !== 1)
  const inner = first < 0 ? [] : shape.slice(first)
  return sameShape(inner, whole.slice(whole.length - inner.length))
}

function countReaders(
  instructions: readonly Instruction[],
  kept: ReadonlySet<Tensor>,
): Map<Tensor, number> {
  const readers = new Map<Tensor, number>()
  const read = (t: Tensor): void => void readers.set(t, (readers.get(t) ?? 0) + 1)
  for (const { inputs, bias } of instructions) {
    new Set(bias ? [...inputs, bias] : inputs).forEach(read)
  }
  kept.forEach(read)
  return readers
}

function sameShape(a: Shape, b: Shape): boolean {
  return a.length === b.length && a.every((n, i) => n === b[i])
}

/** The kernels' own largest and smallest lose NaN. */
function orNaN(value: string, a: string, b: string): string {
  return `select(select(${value}, ${a}, isnan(${a})), ${b}, isnan(${b}))`
}

/** Of a float in WGSL. */
function literal(value: number): string {
  return value.toExponential(9)
}

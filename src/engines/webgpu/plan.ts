import type { OpName } from '../../program/ops.ts'
import type { Entry, Program, Tensor } from '../../program/program.ts'
import { fuse, type Instruction } from '../fuse.ts'
import { cluster, type Cluster } from './clusters.ts'
import { emit } from './emit.ts'
import { partHost, type HostPart } from './host.ts'
import type { Kernels } from './kernels.ts'
import { emitterOf, type SourceName } from './table.ts'
import type { Handle } from './tfjs.ts'

/** One entry, ready to run: first what is computed on the host, then the steps in order. */
export interface Plan {
  readonly feeds: ReadonlyMap<string, Tensor>
  readonly host: HostPart
  /** Feeds and numbers of the host that the steps, fetches and updates read. */
  readonly uploads: readonly Tensor[]
  readonly steps: readonly Step[]
  readonly fetches: readonly (readonly [string, Tensor])[]
  readonly updates: readonly { readonly variable: string; readonly value: Tensor }[]
}

export interface Step {
  readonly inputs: readonly Tensor[]
  readonly output: Tensor
  /** Records the kernels; `inputs` in that order. */
  readonly record: (kernels: Kernels, inputs: readonly Handle[]) => Handle
  /** Free after this step. */
  readonly last: readonly Tensor[]
}

export function plan(program: Program, entry: Entry): Plan {
  const feeds = new Map(Object.entries(entry.feeds))
  const updates = entry.updates.map((u) => {
    if (u.kind === 'rule') throw new TypeError('rule updates are expanded first')
    return u
  })
  const kept = new Set([...Object.values(entry.fetches), ...updates.map((u) => u.value)])
  const { host, rest } = partHost(fuse(program, entry).filter(isComputed), [...feeds.values()])
  const steps = cluster(rest, kept).map(stepOf)
  const read = new Set([...kept, ...steps.flatMap((step) => step.inputs)])
  const last = lastReaders(steps, kept)
  return {
    feeds,
    host,
    uploads: [...new Set([...feeds.values(), ...host.known])].filter((t) => read.has(t)),
    steps: steps.map((step, i) => ({ ...step, last: last.get(i) ?? [] })),
    fetches: Object.entries(entry.fetches),
    updates,
  }
}

/** On the device as long as the session. */
export function isLasting({ node }: Tensor): boolean {
  return node.op === 'constant' || node.op === 'variable'
}

function isComputed({ op }: Instruction): boolean {
  return op !== 'input' && op !== 'constant' && op !== 'variable'
}

function stepOf(work: Instruction | Cluster): Omit<Step, 'last'> {
  const { inputs, output } = work
  if ('code' in work) {
    const record: Step['record'] = (kernels, from) => kernels.map(work.code, from, output.shape)
    return { inputs, output, record }
  }
  const { op, bias, activation, padding, attributes } = work
  const emitter = emitterOf(op as Exclude<OpName, SourceName>)
  const record: Step['record'] = (kernels, from) => {
    const fused = { bias: bias && from.at(-1)!, activation, padding }
    const own = bias ? from.slice(0, -1) : from
    return emit(kernels, emitter, { inputs: own, attributes, output, fused })
  }
  return { inputs: bias ? [...inputs, bias] : inputs, output, record }
}

/** For each step, the tensors of the run that nobody reads after it. */
function lastReaders(
  steps: readonly Omit<Step, 'last'>[],
  kept: ReadonlySet<Tensor>,
): Map<number, Tensor[]> {
  const last = new Map<Tensor, number>()
  steps.forEach(({ inputs, output }, i) => {
    for (const t of [...inputs, output]) if (!isLasting(t)) last.set(t, i)
  })
  const result = new Map<number, Tensor[]>()
  for (const [tensor, i] of last) {
    if (kept.has(tensor)) continue
    const tensors = result.get(i)
    if (tensors) tensors.push(tensor)
    else result.set(i, [tensor])
  }
  return result
}

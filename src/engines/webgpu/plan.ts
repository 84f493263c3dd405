import type { OpName } from '../../program/ops.ts'
import type { Entry, Program, Tensor } from '../../program/program.ts'
import { fuse, type Instruction } from '../fuse.ts'
import type { Emit } from './emit.ts'
import { partHost, type HostPart } from './host.ts'
import { emitterOf, type SourceName } from './table.ts'

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

export interface Step extends Instruction {
  readonly emitter: Emit<OpName>
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
  const read = new Set([...kept, ...rest.flatMap(readBy)])
  const last = lastReaders(rest, kept)
  return {
    feeds,
    host,
    uploads: [...new Set([...feeds.values(), ...host.known])].filter((t) => read.has(t)),
    steps: rest.map((instruction, i) => ({
      ...instruction,
      emitter: emitterOf(instruction.op as Exclude<OpName, SourceName>),
      last: last.get(i) ?? [],
    })),
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

function readBy({ inputs, bias }: Instruction): readonly Tensor[] {
  return bias ? [...inputs, bias] : inputs
}

/** For each step, the tensors of the run that nobody reads after it. */
function lastReaders(
  instructions: readonly Instruction[],
  kept: ReadonlySet<Tensor>,
): Map<number, Tensor[]> {
  const last = new Map<Tensor, number>()
  instructions.forEach((instruction, i) => {
    for (const t of [...readBy(instruction), instruction.output]) if (!isLasting(t)) last.set(t, i)
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

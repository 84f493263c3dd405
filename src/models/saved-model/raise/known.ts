import { reach } from '../../../program/builder.ts'
import type { OpAttributes } from '../../../program/ops.ts'
import { sizeOf, type Node, type Shape, type Tensor } from '../../../program/program.ts'
import { computeNode, type Doubles, type Value } from '../../../program/reference.ts'
import type { WeightMap } from '../../layer-graph.ts'

/** One number for each place along the last axis, or one for all. */
export type ByChannel = readonly number[]

/** What of a function is known before there is a picture: its weights, its constants and what is computed of them alone. */
export class Known {
  readonly #nodes = new Set<Node>()
  readonly #weights: WeightMap
  readonly #values = new Map<Tensor, Value>()

  /** `nodes` in topological order. */
  constructor(nodes: readonly Node[], weights: WeightMap) {
    this.#weights = weights
    for (const node of nodes) {
      const isKnown = node.op !== 'input' && node.inputs.every((t) => this.#nodes.has(t.node))
      if (isKnown) this.#nodes.add(node)
    }
  }

  has(t: Tensor): boolean {
    return this.#nodes.has(t.node)
  }

  /** What of a node's inputs depends on the picture. */
  unknown({ inputs }: Node): Tensor[] {
    return inputs.filter((t) => !this.has(t))
  }

  /** A weight's own values are not copied. */
  floats(t: Tensor): Float32Array {
    const own = this.#own(t)
    return own ?? Float32Array.from(this.value(t).data)
  }

  /** In float64. */
  value(t: Tensor): Value {
    const known = this.#values.get(t)
    if (known) return known
    const values = new Map<Tensor, Value>()
    for (const node of [...reach([t])].sort((a, b) => a.id - b.id)) {
      const own = this.#own(node.outputs[0]!)
      const inputs = node.inputs.map((input) => values.get(input)!)
      const results: readonly Doubles[] = own ? [Float64Array.from(own)] : computeNode(node, inputs)
      node.outputs.forEach((out, i) => values.set(out, { data: results[i]!, shape: out.shape }))
    }
    const value = values.get(t)!
    this.#values.set(t, value)
    return value
  }

  /** The values by channel, where they are the same along all other axes. */
  byChannel(t: Tensor, channels: number): ByChannel | undefined {
    const size = sizeOf(t.shape)
    if (size > MOST || size === 0) return undefined
    const { data } = this.value(t)
    if (data.every((v) => v === data[0])) return [data[0]!]
    if (t.shape.at(-1) !== channels) return undefined
    const repeats = data.every((v, i) => v === data[i % channels])
    return repeats ? Array.from(data.subarray(0, channels)) : undefined
  }

  /** Weights, and constants of more than one number, that the tensors are computed of, in the function's order. */
  leaves(tensors: readonly Tensor[]): Tensor[] {
    return [...reach(tensors)]
      .sort((a, b) => a.id - b.id)
      .filter(({ op, outputs: [t] }) => {
        return op === 'variable' || (op === 'constant' && sizeOf(t!.shape) > 1)
      })
      .map(({ outputs: [t] }) => t!)
  }

  #own({ node }: Tensor): Float32Array | undefined {
    const name = weightName(node)
    if (name === undefined) return undefined
    const value = this.#weights.get(name)
    if (!value) throw new TypeError(`no value for weight ${name}`)
    return value
  }
}

/** Numbers that are looked at one by one: more are no channels. */
const MOST = 2 ** 22

export function weightName({ op, attributes }: Node): string | undefined {
  return op === 'variable' ? (attributes as OpAttributes['variable']).name : undefined
}

/** A layer's name from those of its weights, where they have a folder: `stem/bn` of `stem/bn/gamma`. */
export function layerNameOf(leaves: readonly Tensor[]): string | undefined {
  for (const { node } of leaves) {
    const name = weightName(node)?.replace(/\/part_\d+$/, '')
    const slash = name?.lastIndexOf('/') ?? -1
    if (slash > 0) return name!.slice(0, slash)
  }
  return undefined
}

export function sameShape(a: Shape, b: Shape): boolean {
  return a.join() === b.join()
}

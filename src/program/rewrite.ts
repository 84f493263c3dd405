import { Builder } from './builder.ts'
import type { OpAttributes } from './ops.ts'
import type { Node, Program, Tensor, Update } from './program.ts'

export interface Rewriting {
  /** What stands in place of the node, given its inputs in the new program; undefined: the node again. */
  readonly node?: (
    b: Builder,
    node: Node,
    inputs: readonly Tensor[],
  ) => readonly Tensor[] | undefined
  /** What stands in place of the update, whose tensors are those of the new program already. */
  readonly update?: (b: Builder, update: Update) => readonly Update[]
}

/** A program built anew, node by node; what no entry needs any more falls away. Names, shapes and order stay. */
export function rewrite(program: Program, { node: replace, update: expand }: Rewriting): Program {
  const b = new Builder()
  const renewed = new Map<Tensor, Tensor>()
  const move = (t: Tensor): Tensor => renewed.get(t)!
  const all = (record: Readonly<Record<string, Tensor>>): Record<string, Tensor> =>
    Object.fromEntries(Object.entries(record).map(([name, t]) => [name, move(t)]))

  const reads = new Map(
    program.variables.map((v) => [v.name, b.variable(v.name, v.shape, v.initial)]),
  )
  for (const node of program.nodes) {
    const outputs = b.inLayer(node.layer, () => {
      if (node.op === 'variable') {
        return [reads.get((node.attributes as OpAttributes['variable']).name)!]
      }
      const inputs = node.inputs.map(move)
      return replace?.(b, node, inputs) ?? b.node(node.op, inputs, node.attributes as never)
    })
    node.outputs.forEach((t, i) => renewed.set(t, outputs[i]!))
  }
  for (const [name, entry] of Object.entries(program.entries)) {
    const updates = entry.updates
      .map((u): Update =>
        u.kind === 'assign'
          ? { ...u, value: move(u.value) }
          : { ...u, gradient: move(u.gradient), scalars: all(u.scalars) },
      )
      .flatMap((u) => expand?.(b, u) ?? [u])
    b.entry(name, { fetches: all(entry.fetches), updates })
  }
  return b.program()
}

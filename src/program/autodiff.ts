import { reach, type Builder } from './builder.ts'
import { OPS, type OpDefinition } from './op-table.ts'
import type { OpName } from './ops.ts'
import type { Node, Tensor } from './program.ts'

/**
 * Reverse-mode differentiation: appends the gradients of `loss` (one number, shape []) to the program and
 * returns them in the order of `targets`, each of its target's shape; undefined where the loss does not
 * depend on the target. Targets may be any float32 tensors, also in the middle of the graph.
 *
 * One walk in reverse over the nodes that lie on a path from a target to the loss, and over no other:
 * nothing is built below the lowest target. Backward nodes carry the layer of their forward node.
 * Throws a TypeError for an op on such a path that has no gradient rule (a bug of the caller).
 */
export function gradients(
  b: Builder,
  loss: Tensor,
  targets: readonly Tensor[],
): (Tensor | undefined)[] {
  if (loss.shape.length > 0) throw new TypeError(`a loss is one number, got [${loss.shape}]`)
  const forward = [...reach([loss])].sort((x, y) => x.id - y.id)
  const onPath = leadingFrom(new Set(targets), forward)
  const total = new Map<Tensor, Tensor>()
  const meet = (tensor: Tensor, gradient: Tensor): void => {
    const sum = total.get(tensor)
    total.set(tensor, sum ? b.add(sum, gradient) : gradient)
  }

  if (onPath.has(loss)) meet(loss, b.scalar(1))
  for (const node of forward.reverse()) {
    const outputs = node.outputs.map((t) => total.get(t))
    const wanted = node.inputs.map((t) => onPath.has(t))
    if (!outputs.some(Boolean) || !wanted.some(Boolean)) continue
    const rule = (OPS[node.op] as OpDefinition<OpName>).gradient
    if (!rule) throw new TypeError(`${node.op} has no gradient (layer ${node.layer ?? 'none'})`)
    b.inLayer(node.layer, () => {
      const inputs = rule(b, node, outputs, wanted)
      node.inputs.forEach((t, i) => inputs[i] && meet(t, inputs[i]))
    })
  }
  return targets.map((t) => total.get(t))
}

/** The tensors through which a change of a target passes on, the targets included; integers pass nothing on. */
function leadingFrom(targets: ReadonlySet<Tensor>, nodes: readonly Node[]): Set<Tensor> {
  const leading = new Set<Tensor>()
  for (const node of nodes) {
    const passes = node.inputs.some((t) => leading.has(t))
    for (const t of node.outputs) {
      if (t.dtype === 'float32' && (passes || targets.has(t))) leading.add(t)
    }
  }
  return leading
}

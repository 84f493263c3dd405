/** An op that nothing can be made of; `why` continues "OP ". */
export interface Problem {
  readonly op: string
  readonly why: string
  readonly node: string
}

/** Each op once, with the nodes that ask for it: `Einsum (a, b); Conv2D of 100 groups (c)`. */
export function listed(problems: readonly Problem[]): string {
  const byOp = new Map<string, Set<string>>()
  for (const { op, why, node } of problems) {
    const what = why ? `${op} ${why}` : op
    byOp.set(what, (byOp.get(what) ?? new Set()).add(node))
  }
  const list = [...byOp].map(([what, all]) => {
    const nodes = [...all]
    const some = nodes.slice(0, 5).join(', ')
    return `${what} (${nodes.length > 5 ? `${some} and ${nodes.length - 5} more` : some})`
  })
  return list.join('; ')
}

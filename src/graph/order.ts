import type { Stage, StageKind } from './stage.ts'

/** A stage with its kind and the nodes whose artifacts it reads. */
export interface Node {
  readonly stage: Stage
  readonly kind: StageKind
  /** Input name, node, and the one file of its artifact that counts where not all of it does. */
  readonly needs: readonly (readonly [name: string, node: Node, part?: string])[]
}

/**
 * The stages as a graph, every node behind the nodes it needs, otherwise in the order given. What can be wrong
 * here (two stages of one id, a need or a kind that is not there, a cycle) was made by our own code, so it is
 * thrown as a plain Error.
 */
export function orderStages(
  stages: readonly Stage[],
  kinds: Readonly<Record<string, StageKind>>,
): Node[] {
  const byId = new Map(stages.map((stage) => [stage.id, stage]))
  if (byId.size !== stages.length) throw new Error('two stages have the same id')
  const nodes = new Map<string, Node>()
  const visit = (stage: Stage, path: readonly string[]): Node => {
    const known = nodes.get(stage.id)
    if (known) return known
    if (path.includes(stage.id)) throw new Error(`stages in a circle: ${path.join(' -> ')}`)
    const kind = kinds[stage.kind]
    if (!kind) throw new Error(`stage ${stage.id} is of the unknown kind ${stage.kind}`)
    const needs = Object.entries(stage.needs).map(([name, reference]) => {
      const [id, part] = reference.split('#') as [string, string | undefined]
      const need = byId.get(id)
      if (!need) throw new Error(`stage ${stage.id} needs ${id}, which is not in the plan`)
      const needed = visit(need, [...path, stage.id])
      return part === undefined ? ([name, needed] as const) : ([name, needed, part] as const)
    })
    const node = { stage, kind, needs }
    nodes.set(stage.id, node)
    return node
  }
  stages.forEach((stage) => visit(stage, []))
  return [...nodes.values()]
}

/** The stages whose artifacts the caller asks for; without `want`, those that no other stage needs. */
export function wantedNodes(nodes: readonly Node[], want?: readonly string[]): Node[] {
  if (want) {
    const missing = want.find((id) => !nodes.some((node) => node.stage.id === id))
    if (missing !== undefined) throw new Error(`wanted stage ${missing} is not in the plan`)
    return nodes.filter((node) => want.includes(node.stage.id))
  }
  const needed = new Set(nodes.flatMap((node) => node.needs.map(([, need]) => need)))
  return nodes.filter((node) => !needed.has(node))
}

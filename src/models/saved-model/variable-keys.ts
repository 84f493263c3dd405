import type { ObjectGraph, TrackableGraph } from './object-graph.ts'

/** The bundle's key of each variable: both graphs are walked from their roots by the names of children. */
export function keysOf(objects: ObjectGraph, { nodes }: TrackableGraph): Map<number, string> {
  const keys = new Map<number, string>()
  const met = new Set<number>([0])
  const waiting: [number, number][] = [[0, 0]]
  for (let pair = waiting.pop(); pair; pair = waiting.pop()) {
    const [ours, theirs] = pair
    const saved = nodes[theirs]
    const key = saved?.attributes.find(({ name }) => name === 'VARIABLE_VALUE')?.key
    if (key !== undefined) keys.set(ours, key)
    const children = new Map(saved?.children.map(({ name, id }) => [name, id]))
    for (const { name, id } of objects.nodes[ours]?.children ?? []) {
      const there = children.get(name)
      if (there === undefined || met.has(id)) continue
      met.add(id)
      waiting.push([id, there])
    }
  }
  return keys
}

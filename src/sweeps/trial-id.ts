import type { Pipeline } from '../pipeline/pipeline.ts'
import { follow, SCHEMA, schemaOf, type Schema } from '../pipeline/schema.ts'
import { fromData, toData, type Entry, type Node } from '../pipeline/tree.ts'
import { placesOfProject, withPlaces } from '../runs/places.ts'
import { digestOf } from '../util/digest.ts'
import { canonicalJson, type Json } from '../util/json.ts'

/**
 * What makes two trials the same: the resolved pipeline without name, notes, tags and keys that stand at the schema's
 * default, so that a key which a later version adds changes no trial. Places are seen from the project.
 */
export function trialId(pipeline: Pipeline, runs: string): string {
  const { name: _, notes: __, tags: ___, ...rest } = withPlaces(pipeline, placesOfProject(runs))
  const bare = withoutDefaults(SCHEMA, fromData(rest, 'file'))
  return digestOf(canonicalJson(toData(bare) as Json)).slice(
    'sha256:'.length,
    'sha256:'.length + 12,
  )
}

function withoutDefaults(schema: Schema, node: Node): Node {
  if (node.kind === 'scalar') return node
  if (node.kind === 'list') {
    const item = schemaOf(schema, node, 0)
    return item ? { ...node, items: node.items.map((i) => withoutDefaults(item, i)) } : node
  }
  const entries = new Map<string, Entry>()
  for (const [key, entry] of node.entries) {
    const inner = schemaOf(schema, node, key)
    if (inner && isDefault(inner, entry.value)) continue
    entries.set(key, inner ? { ...entry, value: withoutDefaults(inner, entry.value) } : entry)
  }
  return { ...node, entries }
}

function isDefault(schema: Schema, node: Node): boolean {
  const initial = schema.default ?? follow(schema).default
  if (initial === undefined) return false
  const bare = (value: Node) => canonicalJson(toData(withoutDefaults(schema, value)) as Json)
  return bare(node) === bare(fromData(initial, 'default'))
}

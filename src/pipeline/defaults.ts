import { choose, follow, SCHEMA, schemaOf } from './schema.ts'
import type { Schema } from './schema.ts'
import { writeOut } from './short.ts'
import type { Entry, Node } from './tree.ts'
import { fromData } from './tree.ts'

/** Every default that the schema states, short forms written out. What depends on other values is `resolve`'s. */
export function fillDefaults(root: Node): Node {
  // A short form brings a map with defaults of its own (kernelInitializer), hence the second round.
  return fill(SCHEMA, writeOut(fill(SCHEMA, writeOut(root))))
}

/** Keys in the order of the schema, so that the same pipeline prints the same. */
export function inSchemaOrder(root: Node): Node {
  return fill(SCHEMA, root, false)
}

function fill(schema: Schema, node: Node, missing = true): Node {
  if (node.kind === 'scalar') return node
  if (node.kind === 'list') {
    const item = schemaOf(schema, node, 0)
    return item ? { ...node, items: node.items.map((i) => fill(item, i, missing)) } : node
  }
  const chosen = choose(schema, node)
  if (!chosen) return node
  const entries = new Map<string, Entry>()
  for (const [key, entry] of node.entries) {
    const inner = schemaOf(schema, node, key)
    entries.set(key, inner ? { ...entry, value: fill(inner, entry.value, missing) } : entry)
  }
  for (const [key, inner] of Object.entries(chosen.properties ?? {})) {
    const initial = inner.default ?? follow(inner).default
    if (!missing || initial === undefined || entries.has(key)) continue
    entries.set(key, { value: fill(inner, fromData(initial, 'default')) })
  }
  return { ...node, entries: ordered(entries, Object.keys(chosen.properties ?? {})) }
}

function ordered(entries: Map<string, Entry>, keys: readonly string[]): Map<string, Entry> {
  const known = keys.filter((key) => entries.has(key))
  const others = [...entries.keys()].filter((key) => !keys.includes(key))
  return new Map([...known, ...others].map((key) => [key, entries.get(key)!]))
}

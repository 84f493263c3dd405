import { readFileSync } from 'node:fs'
import type { Node, Path } from './tree.ts'
import { child } from './tree.ts'

/** The part of JSON Schema draft-07 that pipeline.schema.json uses. A test holds the file to it. */
export interface Schema {
  readonly title?: string
  readonly description?: string
  readonly default?: unknown
  readonly examples?: readonly unknown[]
  readonly $ref?: string
  readonly definitions?: Readonly<Record<string, Schema>>
  readonly type?: 'object' | 'array' | 'string' | 'number' | 'integer' | 'boolean'
  readonly enum?: readonly string[]
  readonly const?: string
  readonly anyOf?: readonly Schema[]
  readonly properties?: Readonly<Record<string, Schema>>
  readonly additionalProperties?: false | Schema
  readonly required?: readonly string[]
  readonly minProperties?: number
  readonly items?: Schema
  readonly minItems?: number
  readonly maxItems?: number
  readonly uniqueItems?: boolean
  readonly pattern?: string
  /** What the pattern wants, in words. Editors show it too. */
  readonly patternErrorMessage?: string
  readonly minimum?: number
  readonly maximum?: number
  readonly exclusiveMinimum?: number
  readonly exclusiveMaximum?: number
}

export const SCHEMA_FILE = new URL('../../../schemas/pipeline.schema.json', import.meta.url)

export const SCHEMA = JSON.parse(readFileSync(SCHEMA_FILE, 'utf8')) as Schema

/** The schema behind a `$ref`, or itself. */
export function follow(schema: Schema): Schema {
  if (schema.$ref === undefined) return schema
  const found = SCHEMA.definitions?.[schema.$ref.replace('#/definitions/', '')]
  if (!found) throw new TypeError(`pipeline.schema.json has no ${schema.$ref}`)
  return follow(found)
}

/** The alternatives of an `anyOf`, nested ones too; a schema without one is its own only alternative. */
export function alternatives(schema: Schema): readonly Schema[] {
  const real = follow(schema)
  return real.anyOf ? real.anyOf.flatMap(alternatives) : [real]
}

/** The alternatives for maps, by the key that tells them apart: their first required one ('' where none is). */
export function mapAlternatives(schema: Schema): Map<string, Schema[]> {
  const groups = new Map<string, Schema[]>()
  for (const alternative of alternatives(schema)) {
    if (alternative.type !== 'object') continue
    const key = alternative.required?.[0] ?? ''
    groups.set(key, [...(groups.get(key) ?? []), alternative])
  }
  return groups
}

/** The words that a string may be there; empty where any text may stand. */
export function words(schema: Schema): readonly string[] {
  return alternatives(schema).flatMap((a) => a.enum ?? (a.const === undefined ? [] : [a.const]))
}

/**
 * The alternative that a map was meant to be: the one whose telling key it has, and among several with the same key
 * the one that allows its value (`name: Adam`). Undefined where the map does not say.
 */
export function choose(schema: Schema, node: Node): Schema | undefined {
  const groups = mapAlternatives(schema)
  if (node.kind !== 'map') return undefined
  const single = [...groups.values()].flat()
  if (single.length === 1) return single[0]
  const present = [...groups.keys()].filter((key) => node.entries.has(key))
  const group = present.length === 1 ? groups.get(present[0]!)! : []
  if (group.length === 1) return group[0]
  const tag = node.entries.get(present[0] ?? '')?.value
  if (tag?.kind !== 'scalar') return undefined
  return group.find((a) => words(a.properties![present[0]!]!).includes(String(tag.value)))
}

/** The schema of one entry of the map or list; undefined where none may stand. */
export function schemaOf(schema: Schema, node: Node, step: string | number): Schema | undefined {
  if (node.kind === 'list') return alternatives(schema).find((a) => a.type === 'array')?.items
  const chosen = choose(schema, node)
  return chosen?.properties?.[step] ?? (chosen?.additionalProperties || undefined)
}

/** Every key that may stand in a map here, over all alternatives. */
export function keysOf(schema: Schema, node?: Node): string[] {
  const chosen = node && choose(schema, node)
  const maps = chosen ? [chosen] : [...mapAlternatives(schema).values()].flat()
  return [...new Set(maps.flatMap((map) => Object.keys(map.properties ?? {})))]
}

/** The blocks at the top of the file in which the key may stand: `epochs` stands under `training`. */
export function blocksWith(key: string): string[] {
  return Object.entries(SCHEMA.properties ?? {})
    .filter(([, block]) => keysOf(block).includes(key))
    .map(([name]) => name)
}

/** Walks the path through the tree's own choices; undefined where the schema ends or the tree does not say. */
export function schemaAt(root: Node, path: Path): Schema | undefined {
  let schema: Schema | undefined = SCHEMA
  let node: Node | undefined = root
  for (const step of path) {
    if (!schema || !node) return undefined
    schema = schemaOf(schema, node, step)
    node = child(node, step)
  }
  return schema
}

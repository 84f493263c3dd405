import type { Diagnostic } from '../util/diagnostic.ts'
import { alternatives, SCHEMA, schemaOf } from './schema.ts'
import type { Schema } from './schema.ts'
import type { Entry, Node, Path, ScalarNode } from './tree.ts'
import { showPath } from './tree.ts'

const FRACTION = /^([+-]?[0-9]{1,15}(?:\.[0-9]{1,15})?)\/([0-9]{1,15}(?:\.[0-9]{1,15})?)$/
const NUMBER = /^[+-]?(?:[0-9]{1,20}(?:\.[0-9]{0,20})?|\.[0-9]{1,20})(?:[eE][+-]?[0-9]{1,3})?$/

/**
 * Strings become numbers where the schema wants numbers: fractions (`1/255`), and what variables brought (a variable
 * has no type of its own; true and false likewise). Everything else is left for validation to name.
 */
export function readNumbers(
  root: Node,
  report: (diagnostic: Diagnostic) => void,
  schema: Schema = SCHEMA,
  path: Path = [],
): Node {
  if (root.kind === 'list') {
    const item = schemaOf(schema, root, 0)
    if (!item) return root
    return {
      ...root,
      items: root.items.map((node, i) => readNumbers(node, report, item, [...path, i])),
    }
  }
  if (root.kind === 'map') {
    const entries = new Map<string, Entry>()
    for (const [key, entry] of root.entries) {
      const inner = schemaOf(schema, root, key)
      const value = inner ? readNumbers(entry.value, report, inner, [...path, key]) : entry.value
      entries.set(key, { ...entry, value })
    }
    return { ...root, entries }
  }
  return typeof root.value === 'string' ? readScalar(root, root.value, schema, report, path) : root
}

function readScalar(
  node: ScalarNode,
  text: string,
  schema: Schema,
  report: (diagnostic: Diagnostic) => void,
  path: Path,
): Node {
  const types = new Set(alternatives(schema).map((a) => a.type))
  const written = node.written ?? text
  const wantsNumber = types.has('number') || types.has('integer')
  const fraction = types.has('number') ? FRACTION.exec(text) : null
  if (fraction) {
    const value = Number(fraction[1]) / Number(fraction[2])
    if (Number.isFinite(value)) return { ...node, value, written }
    report({
      code: 'WRONG_VALUE',
      message: `${showPath(path)} divides by zero: ${text}`,
      at: node.at,
    })
    return { ...node, value: 0, written, broken: true }
  }
  if (node.from !== 'variable' && !node.written) return node
  if (wantsNumber && NUMBER.test(text)) return { ...node, value: Number(text), written }
  if (types.has('boolean') && (text === 'true' || text === 'false')) {
    return { ...node, value: text === 'true', written }
  }
  return node
}

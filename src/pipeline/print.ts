import { stringify } from 'yaml'
import type { Origin } from './load.ts'
import { relativePaths } from './paths.ts'
import type { MapNode, Node, Path, ScalarNode } from './tree.ts'
import { find, placeOf } from './tree.ts'

export interface PipelineTextOptions {
  /** The folder where the text will stand: paths are written as seen from it. */
  readonly folder: string
  /** Says behind each value where it comes from. */
  readonly origin?: boolean
}

/**
 * The resolved pipeline as a pipeline file: loading it gives the same pipeline again. Dollar signs are doubled, since
 * variables have been replaced already.
 */
export function pipelineText(root: Node, { folder, origin = false }: PipelineTextOptions): string {
  const tree = relativePaths(root, folder)
  const lines: string[] = []
  block(tree as MapNode, '', [], (text, path) => {
    lines.push(origin && path ? `${text}  # ${originText(root, path)}` : text)
  })
  return `${lines.join('\n')}\n`
}

/** Where a value comes from, in words: `fruits.yaml:3:7`, `default`, `--set seed=3`. */
export function originText(root: Node, path: Path): string {
  const node = find(root, path)
  return node ? words(root, node, path) : ''
}

function words(root: Node, node: Node, path: Path): string {
  const { from, argument } = node
  const at = placeOf(root, path)
  const place = at ? `${at.file}:${at.line}:${at.col}` : ''
  const written =
    node.kind === 'scalar' && node.written !== undefined ? `, written ${node.written}` : ''
  const origin: Record<Origin['from'], string> = {
    default: 'default',
    set: argument ?? 'set',
    file: `${place}${written}`,
    extends: `${place}${written}`,
    variable: `${place}${written}`,
    sweep: `${argument ?? place}${written}`,
  }
  return origin[from]
}

type Emit = (text: string, path?: Path) => void

function block(map: MapNode, indent: string, path: Path, emit: Emit): void {
  for (const [key, { value }] of map.entries) {
    entry(`${indent}${scalar(key)}:`, value, `${indent}  `, [...path, key], emit)
  }
}

function entry(lead: string, node: Node, indent: string, path: Path, emit: Emit): void {
  if (isShort(node)) return emit(`${lead} ${flow(node)}`, path)
  emit(lead)
  if (node.kind === 'map') return block(node, indent, path, emit)
  if (node.kind !== 'list') return
  for (const [i, item] of node.items.entries()) {
    const where = [...path, i]
    const [first] = item.kind === 'map' ? item.entries : []
    if (isShort(item) || item.kind !== 'map' || !first) emit(`${indent}- ${flow(item)}`, where)
    else {
      // `- Dense:` with its settings below; the only maps in lists have one key.
      const rest: MapNode = { ...item, entries: new Map([...item.entries].slice(1)) }
      entry(
        `${indent}- ${scalar(first[0])}:`,
        first[1].value,
        `${indent}    `,
        [...where, first[0]],
        emit,
      )
      block(rest, `${indent}  `, where, emit)
    }
  }
}

/** On one line: a value, an empty map or list, a list of values, a map of one value. */
function isShort(node: Node): boolean {
  if (node.kind === 'scalar') return true
  if (node.kind === 'list')
    return node.items.every((item) => item.kind === 'scalar') && node.items.length <= 12
  return node.entries.size === 0
}

function flow(node: Node): string {
  if (node.kind === 'scalar') return scalar(node.value)
  if (node.kind === 'list') return `[${node.items.map(flow).join(', ')}]`
  return `{${[...node.entries].map(([key, { value }]) => `${scalar(key)}: ${flow(value)}`).join(', ')}}`
}

/** Plain where that is plain to see, else in double quotes as JSON writes it, which YAML reads. */
function scalar(value: ScalarNode['value']): string {
  if (typeof value !== 'string') return stringify(value).trimEnd()
  const text = value.replaceAll('$', '$$$$')
  // YAML knows which plain words are numbers, booleans and the like, and quotes those.
  return PLAIN.test(text) ? stringify(text, { lineWidth: 0 }).trimEnd() : JSON.stringify(text)
}

const PLAIN = /^[A-Za-z0-9_./+](?:[A-Za-z0-9_./@+ -]*[A-Za-z0-9_./@+-])?$/

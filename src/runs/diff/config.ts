import type { ListNode, MapNode, Node, Path } from '../../pipeline/tree.ts'
import { showPath, toData } from '../../pipeline/tree.ts'
import { canonicalJson, type Json } from '../../util/json.ts'
import type { ConfigSide } from './side.ts'

/** A value that differs; undefined: that side has no such key. */
export interface ConfigDiff {
  /** Dotted, in the numbering of the side that has it, B's where both do: `head[1].Dense.units`. */
  readonly path: string
  readonly a: Json | undefined
  readonly b: Json | undefined
  readonly at: { readonly a: string | undefined; readonly b: string | undefined }
  readonly same: boolean
}

/** Keys that no number depends on. */
const WORDS: readonly string[] = ['name', 'notes', 'tags']

/** Whether a key only says what a run is called. */
export function isNaming({ path }: ConfigDiff): boolean {
  return WORDS.includes(path.split(/[.[]/)[0]!)
}

/** Every leaf of the resolved values, in the order of the file. */
export function configDiff(a: ConfigSide, b: ConfigSide): ConfigDiff[] {
  const rows: ConfigDiff[] = []
  const emit = (pair: Pair): void => {
    const [left, right] = [dataOf(pair.a?.node), dataOf(pair.b?.node)]
    const same = text(left) === text(right)
    const at = { a: pair.a && a.place(pair.a.path), b: pair.b && b.place(pair.b.path) }
    const path = showPath((pair.b ?? pair.a)!.path)
    rows.push({ path, a: left, b: right, at, same })
  }
  walk({ a: { node: a.tree, path: [] }, b: { node: b.tree, path: [] } }, emit)
  return rows
}

interface Place {
  readonly node: Node
  readonly path: Path
}

interface Pair {
  readonly a: Place | undefined
  readonly b: Place | undefined
}

/** Goes down as long as both are maps, or lists with items that have keys; calls `emit` for what is below. */
function walk(pair: Pair, emit: (pair: Pair) => void): void {
  const { a, b } = pair
  if (a?.node.kind === 'map' && b?.node.kind === 'map') {
    for (const key of keysOf(a.node, b.node)) walk({ a: entry(a, key), b: entry(b, key) }, emit)
  } else if (a?.node.kind === 'list' && b?.node.kind === 'list' && hasMaps(a.node, b.node)) {
    const [left, right] = [a.node.items, b.node.items]
    for (const [i, j] of aligned(left.length, right.length, likeness(left, right))) {
      walk({ a: item(a, i), b: item(b, j) }, emit)
    }
  } else {
    emit(pair)
  }
}

/** Of both, in the order of B; what only A has stands behind the key before it. */
function keysOf(a: MapNode, b: MapNode): string[] {
  const keys = [...b.entries.keys()]
  let before = -1
  for (const key of a.entries.keys()) {
    const at = keys.indexOf(key)
    if (at < 0) keys.splice(before + 1, 0, key)
    before = at < 0 ? before + 1 : at
  }
  return keys
}

function entry({ node, path }: Place, key: string): Place | undefined {
  const value = node.kind === 'map' ? node.entries.get(key)?.value : undefined
  return value && { node: value, path: [...path, key] }
}

function item({ node, path }: Place, i: number | undefined): Place | undefined {
  const value = node.kind === 'list' && i !== undefined ? node.items[i] : undefined
  return value && { node: value, path: [...path, i!] }
}

function hasMaps(...lists: readonly ListNode[]): boolean {
  return lists.some(({ items }) => items.some(({ kind }) => kind === 'map'))
}

/** What an item of a list is: `Dense` of `Dense: {…}`, else all of it. */
export function kindOf(node: Node): string {
  if (node.kind === 'map' && node.entries.size === 1) return [...node.entries.keys()][0]!
  return node.kind === 'map' ? '{}' : text(dataOf(node))
}

/**
 * Pairs of places in two lists, in the order of both, of the greatest sum of scores (a longest common subsequence, weighted): so a
 * layer put between two others is one change, and what is behind it keeps its pair. A score of 0 is no pair.
 */
export function aligned(
  a: number,
  b: number,
  score: (i: number, j: number) => number,
): [number | undefined, number | undefined][] {
  const best = Array.from({ length: a + 1 }, () => new Array<number>(b + 1).fill(0))
  for (let i = a - 1; i >= 0; i -= 1) {
    for (let j = b - 1; j >= 0; j -= 1) {
      const pair = score(i, j)
      const paired = pair > 0 ? pair + best[i + 1]![j + 1]! : 0
      best[i]![j] = Math.max(paired, best[i + 1]![j]!, best[i]![j + 1]!)
    }
  }
  const pairs: [number | undefined, number | undefined][] = []
  for (let i = 0, j = 0; i < a || j < b;) {
    const pair = i < a && j < b ? score(i, j) : 0
    if (pair > 0 && best[i]![j] === pair + best[i + 1]![j + 1]!) pairs.push([i++, j++])
    else if (j >= b || (i < a && best[i]![j] === best[i + 1]![j])) pairs.push([i++, undefined])
    else pairs.push([undefined, j++])
  }
  return pairs
}

/** Equal items before items of one kind, and more than one such pair before fewer. */
function likeness(a: readonly Node[], b: readonly Node[]): (i: number, j: number) => number {
  const [left, right] = [a, b].map((items) =>
    items.map((item) => ({ kind: kindOf(item), text: text(dataOf(item)) })),
  )
  return (i, j) => {
    const [one, other] = [left![i]!, right![j]!]
    return one.text === other.text ? 3 : one.kind === other.kind ? 2 : 0
  }
}

function dataOf(node: Node | undefined): Json | undefined {
  return node && (toData(node) as Json)
}

function text(value: Json | undefined): string {
  return value === undefined ? '' : canonicalJson(value)
}

import type { Diagnostic, Position } from '../util/diagnostic.ts'

/** Where a value came from. */
export type From = 'file' | 'extends' | 'variable' | 'set' | 'sweep' | 'default'

/** A value of the file with its place. Aliased values share one node, so nodes are never changed, only replaced. */
export type Node = MapNode | ListNode | ScalarNode

interface Place {
  /** Undefined for what no file says: defaults and `--set`. */
  readonly at?: Position | undefined
  readonly from: From
  /** The argument behind a value that `--set` brought: `--set seed=3`. */
  readonly argument?: string | undefined
  /** A short form written out: messages call its child by the parent's name. */
  readonly short?: boolean | undefined
}

export interface MapNode extends Place {
  readonly kind: 'map'
  readonly entries: ReadonlyMap<string, Entry>
}

export interface Entry {
  /** Of the key; undefined as for values. */
  readonly keyAt?: Position | undefined
  readonly value: Node
}

export interface ListNode extends Place {
  readonly kind: 'list'
  readonly items: readonly Node[]
}

export interface ScalarNode extends Place {
  readonly kind: 'scalar'
  readonly value: string | number | boolean | null
  /** As the file writes it, where variables or fractions were replaced. */
  readonly written?: string | undefined
  /** Already told as wrong (a variable that is not set): nothing more is said about it. */
  readonly broken?: boolean | undefined
}

/** Keys of maps and indices of lists, from the root. */
export type Path = readonly (string | number)[]

export function showPath(path: Path): string {
  return path
    .map((step, i) => (typeof step === 'number' ? `[${step}]` : i ? `.${step}` : step))
    .join('')
}

export function child(node: Node | undefined, step: string | number): Node | undefined {
  if (node?.kind === 'map') return node.entries.get(String(step))?.value
  if (node?.kind === 'list') return node.items[Number(step)]
  return undefined
}

export function find(root: Node, path: Path): Node | undefined {
  let node: Node | undefined = root
  for (const step of path) node = child(node, step)
  return node
}

/** A copy with one value replaced, added or (undefined) taken out; maps on the way are made where they lack. */
export function replace(node: Node, path: Path, value: Node | undefined): Node {
  const [step, ...rest] = path
  if (step === undefined) return value ?? node
  if (node.kind === 'list') {
    const items = [...node.items]
    const index = Number(step)
    if (rest.length > 0 && items[index]) items[index] = replace(items[index], rest, value)
    else if (value) items[index] = value
    else items.splice(index, 1)
    return { ...node, items }
  }
  const map: MapNode =
    node.kind === 'map' ? node : { kind: 'map', from: node.from, entries: new Map() }
  const entries = new Map(map.entries)
  const key = String(step)
  const old = entries.get(key)
  if (rest.length > 0) {
    const inner: Node = old?.value ?? {
      kind: 'map',
      from: value?.from ?? 'default',
      argument: value?.argument,
      entries: new Map(),
    }
    entries.set(key, { keyAt: old?.keyAt, value: replace(inner, rest, value) })
  } else if (value) {
    entries.set(key, {
      keyAt: value.from === 'set' || value.from === 'sweep' ? undefined : old?.keyAt,
      value,
    })
  } else {
    entries.delete(key)
  }
  return { ...map, entries }
}

/** Plain data. Maps become objects without a prototype's keys in the way: `__proto__` is refused when a file is read. */
export function toData(node: Node): unknown {
  if (node.kind === 'scalar') return node.value
  if (node.kind === 'list') return node.items.map(toData)
  const object: Record<string, unknown> = {}
  for (const [key, entry] of node.entries) object[key] = toData(entry.value)
  return object
}

/** A tree without places out of plain data. */
export function fromData(data: unknown, from: From, argument?: string): Node {
  if (Array.isArray(data)) {
    return {
      kind: 'list',
      from,
      argument,
      items: data.map((item) => fromData(item, from, argument)),
    }
  }
  if (typeof data === 'object' && data !== null) {
    const entries = new Map<string, Entry>()
    for (const [key, value] of Object.entries(data)) {
      entries.set(key, { value: fromData(value, from, argument) })
    }
    return { kind: 'map', from, argument, entries }
  }
  return { kind: 'scalar', from, argument, value: data as ScalarNode['value'] }
}

/** A copy in which every value is what `change` makes of it, children first. */
export function mapTree(
  node: Node,
  change: (node: Node, path: Path) => Node,
  path: Path = [],
): Node {
  if (node.kind === 'list') {
    const items = node.items.map((item, i) => mapTree(item, change, [...path, i]))
    return change({ ...node, items }, path)
  }
  if (node.kind === 'map') {
    const entries = new Map<string, Entry>()
    for (const [key, entry] of node.entries) {
      entries.set(key, { ...entry, value: mapTree(entry.value, change, [...path, key]) })
    }
    return change({ ...node, entries }, path)
  }
  return change(node, path)
}

/** Where a person looks for the value: a scalar itself, the key of a map or list; failing both, the nearest parent. */
export function placeOf(root: Node, path: Path): Position | undefined {
  for (let length = path.length; length >= 0; length -= 1) {
    const here = path.slice(0, length)
    const node = find(root, here)
    const parent = length > 0 ? find(root, here.slice(0, -1)) : undefined
    const keyAt =
      parent?.kind === 'map' ? parent.entries.get(String(here.at(-1)))?.keyAt : undefined
    if (node?.kind === 'scalar' && node.at) return node.at
    if (keyAt ?? node?.at) return keyAt ?? node?.at
    if (node?.from === 'set' || (node?.from === 'sweep' && !node.at)) return undefined
  }
  return undefined
}

/** The diagnostic with its place; where `--set` brought the value, the message begins with the argument instead. */
export function diagnose(root: Node, path: Path, diagnostic: Diagnostic): Diagnostic {
  const at = diagnostic.at ?? placeOf(root, path)
  const argument = at ? undefined : argumentOf(root, path)
  return {
    ...diagnostic,
    at,
    message: argument ? `${argument}: ${diagnostic.message}` : diagnostic.message,
  }
}

function argumentOf(root: Node, path: Path): string | undefined {
  for (let length = path.length; length > 0; length -= 1) {
    const argument = find(root, path.slice(0, length))?.argument
    if (argument !== undefined) return argument
  }
  return undefined
}

/** Every scalar with its path, in the order of the file. */
export function scalars(node: Node, path: Path = []): [ScalarNode, Path][] {
  if (node.kind === 'scalar') return [[node, path]]
  if (node.kind === 'list') return node.items.flatMap((item, i) => scalars(item, [...path, i]))
  return [...node.entries].flatMap(([key, { value }]) => scalars(value, [...path, key]))
}

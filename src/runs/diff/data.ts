import { bySplit, type IndexRow } from '../../data/index-table.ts'
import { eachJsonLine } from './lines.ts'
import type { Side } from './side.ts'

/** What the data of two sides have in common is told by the bytes of the pictures, whatever they are called. */
export interface DataDiff {
  /** All of them. */
  readonly splits: readonly SplitDiff[]
  readonly added: readonly Picture[]
  readonly removed: readonly Picture[]
  /** The same path with other bytes. */
  readonly changed: readonly Picture[]
  /** The same bytes in the same split under another label. */
  readonly relabelled: readonly Move[]
  /** The same bytes and label under another path or in another split. */
  readonly moved: readonly Move[]
}

export interface SplitDiff {
  readonly split: string
  /** Pictures. */
  readonly a: number
  readonly b: number
  readonly added: number
  readonly removed: number
  readonly changed: number
  readonly relabelled: number
  readonly moved: number
}

export interface Picture {
  readonly split: string
  /** Its path. */
  readonly image: string
  readonly label: string
}

export interface Move {
  readonly a: Picture
  readonly b: Picture
}

/** What is known of the pictures of both sides. */
export interface DataJoin {
  /** Undefined: that one of the indexes is not here. */
  readonly diff: DataDiff | undefined
  /** A's path of the picture that B calls so; undefined: A has no such picture there. */
  readonly inA: (split: string, imageB: string) => string | undefined
  /** Whether the pictures of a split and their labels are the same; undefined: not known. */
  readonly isSame: (split: string) => boolean | undefined
}

/** Joins the pictures of both sides. Where the index stage came to the same, nothing is read. */
export function joinData(a: Side, b: Side): DataJoin {
  const [left, right] = [a, b].map(({ stages }) => stages?.find(({ id }) => id === 'index'))
  const isEqual = left?.digest !== undefined && left.digest === right?.digest
  const byName: DataJoin = {
    diff: undefined,
    inA: (_, image) => image,
    isSame: () => (isEqual ? true : undefined),
  }
  if (isEqual) return { ...byName, diff: unchanged(b.record?.pictures ?? {}) }
  if (a.index === undefined || b.index === undefined) return byName
  return compareIndexes(readRows(a.index), readRows(b.index))
}

type Row = Pick<IndexRow, 'path' | 'label' | 'split' | 'sha256'>

function unchanged(pictures: Readonly<Record<string, number>>): DataDiff {
  const none = { added: 0, removed: 0, changed: 0, relabelled: 0, moved: 0 }
  const splits = Object.entries(pictures)
    .sort(([x], [y]) => bySplit(x, y))
    .map(([split, n]) => ({ split, a: n, b: n, ...none }))
  return { splits, added: [], removed: [], changed: [], relabelled: [], moved: [] }
}

function readRows(path: string): Row[] {
  const rows: Row[] = []
  eachJsonLine<Row>(path, (row) => rows.push(row))
  return rows
}

/**
 * First pictures of the same split and path are paired, then those of the same split and bytes, then those of the same
 * bytes anywhere; what is left was added or removed.
 */
export function compareIndexes(a: readonly Row[], b: readonly Row[]): DataJoin {
  const pairs: { readonly a: Row; readonly b: Row }[] = []
  let [left, right] = [a, b]
  for (const key of [pathKey, bytesKey, ({ sha256 }: Row) => sha256]) {
    const waiting = grouped(left, key)
    const open: Row[] = []
    for (const row of right) {
      const found = waiting.get(key(row))?.shift()
      if (found) pairs.push({ a: found, b: row })
      else open.push(row)
    }
    ;[left, right] = [[...waiting.values()].flat(), open]
  }
  const sets = {
    removed: left.map(pictureOf),
    added: right.map(pictureOf),
    changed: pairs.filter((p) => p.a.sha256 !== p.b.sha256).map((p) => pictureOf(p.b)),
    relabelled: moves(pairs, (p) => p.a.split === p.b.split && p.a.label !== p.b.label),
    moved: moves(
      pairs,
      (p) => p.a.split !== p.b.split || (p.a.path !== p.b.path && p.a.label === p.b.label),
    ),
  }
  const paths = new Map<string, Map<string, string>>()
  for (const pair of pairs) {
    if (pair.a.split !== pair.b.split || pair.a.sha256 !== pair.b.sha256) continue
    const known = paths.get(pair.b.split) ?? new Map<string, string>()
    paths.set(pair.b.split, known.set(pair.b.path, pair.a.path))
  }
  return {
    diff: { ...sets, splits: countsOf(a, b, sets) },
    inA: (split, image) => paths.get(split)?.get(image),
    isSame: (split) => {
      const isOf = (p: Picture) => p.split === split
      const moved = sets.moved.some((m) => m.a.split !== m.b.split && (isOf(m.a) || isOf(m.b)))
      const { added, removed, changed, relabelled } = sets
      return (
        !moved &&
        ![added, removed, changed].some((l) => l.some(isOf)) &&
        !relabelled.some((m) => isOf(m.b))
      )
    },
  }
}

const pathKey = ({ split, path }: Row) => `${split}\u0000${path}`
const bytesKey = ({ split, sha256 }: Row) => `${split}\u0000${sha256}`

function grouped(rows: readonly Row[], key: (row: Row) => string): Map<string, Row[]> {
  const groups = new Map<string, Row[]>()
  for (const row of rows) {
    const group = groups.get(key(row))
    if (group) group.push(row)
    else groups.set(key(row), [row])
  }
  return groups
}

function pictureOf({ split, path: image, label }: Row): Picture {
  return { split, image, label }
}

function moves(
  pairs: readonly { readonly a: Row; readonly b: Row }[],
  isWanted: (pair: { readonly a: Row; readonly b: Row }) => boolean,
): Move[] {
  const wanted = pairs.filter((pair) => pair.a.sha256 === pair.b.sha256 && isWanted(pair))
  return wanted.map((pair) => ({ a: pictureOf(pair.a), b: pictureOf(pair.b) }))
}

function countsOf(
  a: readonly Row[],
  b: readonly Row[],
  sets: Omit<DataDiff, 'splits'>,
): SplitDiff[] {
  const names = [...new Set([...a, ...b].map(({ split }) => split))].sort(bySplit)
  return names.map((split) => {
    const count = (pictures: readonly { readonly split: string }[]) =>
      pictures.filter((picture) => picture.split === split).length
    return {
      split,
      a: count(a),
      b: count(b),
      added: count(sets.added),
      removed: count(sets.removed),
      changed: count(sets.changed),
      relabelled: count(sets.relabelled.map((move) => move.b)),
      moved: sets.moved.filter((m) => m.a.split === split || m.b.split === split).length,
    }
  })
}

/** Whether nothing about the pictures of the split differs. */
export function isClean({ added, removed, changed, relabelled, moved }: SplitDiff): boolean {
  return added + removed + changed + relabelled + moved === 0
}

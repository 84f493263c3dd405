import type { DataDiff, Move, Picture, SplitDiff } from '../../runs/diff/data.ts'
import { isClean } from '../../runs/diff/data.ts'
import { countText } from '../../util/text.ts'
import { markup, type Html, type Part } from '../html.ts'
import type { Section } from '../page.ts'
import { table, type HtmlColumn } from '../table.ts'
import type { DiffReport } from './read.ts'

/** So many pictures of each kind are listed by name. */
const LISTED = 300

/** Pictures that are not in both, or not the same in both. */
export function data({ diff }: DiffReport): Section | undefined {
  const { data: found } = diff
  if (!found || found.splits.length === 0) return undefined
  const isSame = found.splits.every(isClean)
  return {
    id: 'data',
    title: 'Data',
    body: markup`${isSame && markup`<p>The same pictures with the same labels in every split.</p>`}
${table<SplitDiff>('Pictures of both, by split', isSame ? COUNTS : [...COUNTS, ...CHANGES], found.splits)}
${!isSame && lists(found)}`,
  }
}

const count = (title: string, key: keyof SplitDiff): HtmlColumn<SplitDiff> => ({
  title,
  right: true,
  value: (row) => countText(Number(row[key])),
})

const COUNTS: readonly HtmlColumn<SplitDiff>[] = [
  { title: 'split', head: true, value: ({ split }) => split },
  count('A', 'a'),
  count('B', 'b'),
]

const CHANGES = (['added', 'removed', 'changed', 'relabelled', 'moved'] as const).map((key) =>
  count(key, key),
)

function lists({
  added,
  removed,
  changed,
  relabelled,
  moved,
}: DataDiff): readonly (Html | false)[] {
  return [
    list('added', PICTURE, added),
    list('removed', PICTURE, removed),
    list('changed: the same path, other bytes', PICTURE, changed),
    list('relabelled', MOVE, relabelled),
    list('moved: the same bytes elsewhere', MOVE, moved),
  ]
}

const PICTURE: readonly HtmlColumn<Picture>[] = [
  { title: 'picture', head: true, value: ({ image }) => image },
  { title: 'class', value: ({ label }) => label },
  { title: 'split', value: ({ split }) => split },
]

const MOVE: readonly HtmlColumn<Move>[] = [
  { title: 'picture', head: true, value: ({ a, b }) => arrow(a.image, b.image) },
  { title: 'class', value: ({ a, b }) => arrow(a.label, b.label) },
  { title: 'split', value: ({ a, b }) => arrow(a.split, b.split) },
]

function arrow(a: string, b: string): Part {
  return a === b ? a : `${a} → ${b}`
}

function list<Row>(
  what: string,
  columns: readonly HtmlColumn<Row>[],
  rows: readonly Row[],
): Html | false {
  if (rows.length === 0) return false
  const first = rows.length > LISTED ? `, the first ${LISTED}` : ''
  return markup`<details><summary>${countText(rows.length)} ${what}${first}</summary>${table(
    `Pictures ${what}`,
    columns,
    rows.slice(0, LISTED),
  )}</details>`
}

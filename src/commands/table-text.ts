import { textWidth, wrap } from '../util/width.ts'
import type { Output } from './command.ts'

export type TableFormat = 'text' | 'md' | 'csv'

export interface Column<Row> {
  readonly title: string
  /** The title where the table would be too wide. */
  readonly short?: string
  readonly value: (row: Row) => string
  readonly right?: boolean
  /** Left out where the table is too wide for the terminal: 1 first, then 2. */
  readonly extra?: number
  /** Where that is not enough, longer cells are cut with an ellipsis, to so many at least. */
  readonly least?: number
}

/**
 * The rows as a table for people (`text`: aligned, without lines), as Markdown or as CSV (RFC 4180, with a header).
 * Ends with a newline. A `width` is kept by a text table as far as it can be: short titles, extra columns go, cells are cut where
 * columns allow it, then the last column is broken at spaces.
 */
export function tableText<Row>(
  columns: readonly Column<Row>[],
  rows: readonly Row[],
  format: TableFormat,
  width = Infinity,
): string {
  if (format === 'text') return alignedText(columns, rows, width)
  const cells = rows.map((row) => columns.map((column) => column.value(row)))
  const titles = columns.map((column) => column.title)
  if (format === 'csv')
    return [titles, ...cells].map((r) => `${r.map(csvField).join(',')}\n`).join('')
  const rule = columns.map((column) => (column.right ? '--:' : '---'))
  const lines = [titles, rule, ...cells.map((r) => r.map((cell) => cell.replaceAll('|', '\\|')))]
  return lines.map((r) => `| ${r.join(' | ')} |\n`).join('')
}

/** The width of a terminal, for tables; what goes elsewhere is as wide as it is. */
export function tableWidth({ isTTY, columns }: Pick<Output, 'isTTY' | 'columns'>): number {
  return isTTY ? columns || 80 : Infinity
}

/** What a broken last column needs at least. */
const LEAST = 16

function alignedText<Row>(
  columns: readonly Column<Row>[],
  rows: readonly Row[],
  width: number,
): string {
  const cells = [
    columns.map((column) => column.title),
    ...rows.map((row) => columns.map((column) => column.value(row))),
  ]
  const widths = columns.map((_, i) => widest(cells, i))
  const total = totalOf(widths)
  if (total > width && columns.some(({ short }) => short !== undefined)) {
    const shorter = columns.map(({ short, ...column }) => ({
      ...column,
      title: short ?? column.title,
    }))
    return alignedText(shorter, rows, width)
  }
  const least = Math.min(...columns.map(({ extra = Infinity }) => extra))
  if (total > width && least < Infinity) {
    const others = columns.filter(({ extra }) => extra !== least)
    return alignedText(others, rows, width)
  }
  if (total > width && columns.some(({ least: to }, i) => to !== undefined && to < widths[i]!)) {
    return alignedText(narrowed(columns, widths, width), rows, width)
  }
  const last = columns.length - 1
  const room = Math.max(LEAST, width - (total - widths[last]!))
  const pad = (cell: string, i: number) => {
    const space = ' '.repeat(widths[i]! - textWidth(cell))
    return columns[i]!.right ? space + cell : cell + space
  }
  return cells
    .flatMap((row) => {
      const isBroken = total > width && !columns[last]!.right
      const [first, ...more] = isBroken ? wrap(row[last]!, room) : [row[last]!]
      const empty = row.map(() => '')
      return [row.with(last, first ?? ''), ...more.map((part) => empty.with(last, part))]
    })
    .map((row) => `${row.map(pad).join('  ').trimEnd()}\n`)
    .join('')
}

/** Titles beside values, a block a row with an empty line between: for what is too wide as a table. */
export function blocksText<Row>(columns: readonly Column<Row>[], rows: readonly Row[]): string {
  const titles = columns.map(({ title }) => title)
  const width = Math.max(0, ...titles.map(textWidth))
  return rows
    .map((row) =>
      columns
        .map(({ value }, i) => {
          const title = titles[i]! + ' '.repeat(width - textWidth(titles[i]!))
          return `${title}  ${value(row)}`.trimEnd()
        })
        .join('\n'),
    )
    .map((block) => `${block}\n`)
    .join('\n')
}

/** The least that a table of these takes in a terminal, with what may go gone and what may be cut cut. */
export function leastWidth<Row>(columns: readonly Column<Row>[], rows: readonly Row[]): number {
  const kept = columns.filter(({ extra }) => extra === undefined)
  return totalOf(
    kept.map(({ title, short, value, least = Infinity }) => {
      const cells = [[short ?? title], ...rows.map((row) => [value(row)])]
      return Math.min(least, widest(cells, 0))
    }),
  )
}

function totalOf(widths: readonly number[]): number {
  return widths.reduce((sum, w) => sum + w + 2, -2)
}

function widest(cells: readonly (readonly string[])[], column: number): number {
  return cells.reduce((most, row) => Math.max(most, textWidth(row[column]!)), 0)
}

/** The widest of those that may be cut gives first, a cell at a time. */
function narrowed<Row>(
  columns: readonly Column<Row>[],
  widths: readonly number[],
  width: number,
): Column<Row>[] {
  const to = [...widths]
  for (let over = totalOf(widths) - width; over > 0; over -= 1) {
    const most = columns.reduce((best, { least = Infinity }, i) => {
      return to[i]! > least && (best < 0 || to[i]! > to[best]!) ? i : best
    }, -1)
    if (most < 0) break
    to[most]! -= 1
  }
  return columns.map(({ least, title, value, ...rest }, i) => {
    const cut = (text: string) => cutTo(text, to[i]!)
    return least === undefined
      ? { ...rest, title, value }
      : { ...rest, title: cut(title), value: (row: Row) => cut(value(row)) }
  })
}

function cutTo(text: string, width: number): string {
  if (textWidth(text) <= width) return text
  let kept = ''
  for (const character of text) {
    if (textWidth(kept + character) >= width) break
    kept += character
  }
  return `${kept}…`
}

function csvField(text: string): string {
  return /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text
}

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
}

/**
 * The rows as a table for people (`text`: aligned, without lines), as Markdown or as CSV (RFC 4180, with a header).
 * Ends with a newline. A `width` is kept by a text table as far as it can be: short titles, extra columns go, then the last
 * column is broken at spaces.
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
  const widths = columns.map((_, i) => Math.max(...cells.map((r) => textWidth(r[i]!))))
  const total = widths.reduce((sum, w) => sum + w + 2, -2)
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

function csvField(text: string): string {
  return /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text
}

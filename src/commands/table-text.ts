import { textWidth } from '../util/width.ts'

export type TableFormat = 'text' | 'md' | 'csv'

export interface Column<Row> {
  readonly title: string
  readonly value: (row: Row) => string
  readonly right?: boolean
}

/**
 * The rows as a table for people (`text`: aligned, without lines), as Markdown or as CSV (RFC 4180, with a header).
 * Ends with a newline.
 */
export function tableText<Row>(
  columns: readonly Column<Row>[],
  rows: readonly Row[],
  format: TableFormat,
): string {
  const cells = rows.map((row) => columns.map((column) => column.value(row)))
  const titles = columns.map((column) => column.title)
  if (format === 'csv')
    return [titles, ...cells].map((r) => `${r.map(csvField).join(',')}\n`).join('')
  if (format === 'md') {
    const rule = columns.map((column) => (column.right ? '--:' : '---'))
    const lines = [titles, rule, ...cells.map((r) => r.map((cell) => cell.replaceAll('|', '\\|')))]
    return lines.map((r) => `| ${r.join(' | ')} |\n`).join('')
  }
  const widths = columns.map((_, i) => Math.max(...[titles, ...cells].map((r) => textWidth(r[i]!))))
  const pad = (cell: string, i: number) => {
    const space = ' '.repeat(widths[i]! - textWidth(cell))
    return columns[i]!.right ? space + cell : cell + space
  }
  return [titles, ...cells].map((r) => `${r.map(pad).join('  ').trimEnd()}\n`).join('')
}

function csvField(text: string): string {
  return /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text
}

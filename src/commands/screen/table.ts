import stringWidth from 'string-width'

export type Cell = string | number | undefined
export type TableFormat = 'text' | 'md' | 'csv'

/**
 * Rows under headings, in one of the formats that commands offer. Text has no borders, so that cells can be
 * copied; numbers are set to the right.
 */
export function tableText(
  headings: readonly string[],
  rows: readonly (readonly Cell[])[],
  format: TableFormat = 'text',
): string {
  const cells = rows.map((row) => row.map(cellText))
  if (format === 'csv') {
    return [headings, ...cells].map((row) => `${row.map(csvCell).join(',')}\n`).join('')
  }
  if (format === 'md') {
    const line = (row: readonly string[]) =>
      `| ${row.map((cell) => cell.replaceAll('|', '\\|')).join(' | ')} |\n`
    return line(headings) + `|${headings.map(() => '---').join('|')}|\n` + cells.map(line).join('')
  }
  const widths = headings.map((heading, column) =>
    Math.max(stringWidth(heading), ...cells.map((row) => stringWidth(row[column] ?? ''))),
  )
  const isRight = headings.map(
    (_, column) => rows.length > 0 && rows.every((row) => isNumber(row[column])),
  )
  return [headings, ...cells]
    .map((row) => {
      const padded = row.map((cell, column) => {
        const space = ' '.repeat(widths[column]! - stringWidth(cell))
        return isRight[column] ? space + cell : cell + space
      })
      return `${padded.join('  ').trimEnd()}\n`
    })
    .join('')
}

function cellText(cell: Cell): string {
  return cell === undefined ? '' : String(cell)
}

function isNumber(cell: Cell): boolean {
  return typeof cell === 'number' || cell === undefined || /^[-+\d][\d.,]*( \S+)?$/.test(cell)
}

/** RFC 4180. */
function csvCell(cell: string): string {
  return /[",\r\n]/.test(cell) ? `"${cell.replaceAll('"', '""')}"` : cell
}

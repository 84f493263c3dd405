/** What a terminal shows of a text: the few control sequences that progress regions use are followed. */
export interface Screen {
  /** Lines from the first on, without spaces at their ends; the last empty ones left out. */
  readonly lines: readonly string[]
  /** Of the longest line that was ever there, in cells. */
  readonly widest: number
  readonly cursorVisible: boolean
}

/** A control sequence, or one character. */
const PIECES = new RegExp(`${String.fromCharCode(27)}\\[([\\d;?]*)([A-Za-z])|([^])`, 'gu')

/**
 * A terminal of so many columns: printing, line ends, and `ESC [` A and B (up, down), G (column), K (clear), J, h and l. A line that is
 * too long goes on in the next one, as in a real one; this is counted as a wrap while `inRegion` holds.
 */
export function show(text: string, columns: number): Screen & { readonly wrapsInRegion: number } {
  const cells: string[][] = [[]]
  let [row, col, widest, wrapsInRegion] = [0, 0, 0, 0]
  let [inRegion, cursorVisible] = [false, true]
  const put = (char: string): void => {
    if (col >= columns) {
      wrapsInRegion += inRegion ? 1 : 0
      row += 1
      col = 0
    }
    while (cells.length <= row) cells.push([])
    const line = cells[row]!
    while (line.length < col) line.push(' ')
    line[col] = char
    col += 1
    widest = Math.max(widest, col)
  }
  for (const [, csi, final, char] of text.matchAll(PIECES)) {
    if (char === '\n') {
      // The terminal driver makes CR LF of it.
      row += 1
      col = 0
      while (cells.length <= row) cells.push([])
    } else if (char === '\r') col = 0
    else if (char !== undefined) put(char)
    else if (final === 'A') row = Math.max(0, row - Number(csi || 1))
    else if (final === 'B') row = Math.min(cells.length - 1, row + Number(csi || 1))
    else if (final === 'G') col = Number(csi || 1) - 1
    else if (final === 'K' && csi === '2') cells[row] = []
    else if (final === 'K') cells[row]?.splice(col)
    else if (final === 'J') cells.splice(row + 1)
    else if (csi === '?2026') inRegion = final === 'h'
    else if (csi === '?25') cursorVisible = final === 'h'
    else if (final !== 'm') throw new Error(`unknown control sequence ESC [ ${csi} ${final}`)
  }
  const lines = cells.map((line) => line.join('').trimEnd())
  while (lines.at(-1) === '') lines.pop()
  return { lines, widest, cursorVisible, wrapsInRegion }
}

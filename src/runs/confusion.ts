/**
 * A confusion matrix as an SVG picture: rows are the truth, columns the prediction, counts[truth][predicted]. Cells are
 * shaded by their share of the row; numbers are written where they fit.
 */
export function confusionSvg(
  counts: readonly (readonly number[])[],
  classes: readonly string[],
  title: string,
): string {
  const n = classes.length
  const cell = n <= 12 ? 48 : n <= 30 ? 26 : 12
  const longest = Math.max(...classes.map((name) => name.length))
  const margin = Math.min(220, 24 + longest * 7)
  const width = margin + n * cell + 24
  const height = margin + n * cell + 56
  const parts: string[] = []
  for (const [truth, row] of counts.entries()) {
    const sum = row.reduce((a, b) => a + b, 0)
    for (const [predicted, count] of row.entries()) {
      const share = sum === 0 ? 0 : count / sum
      const x = margin + predicted * cell
      const y = margin + truth * cell
      const what = `${classes[truth]} taken for ${classes[predicted]}: ${count} of ${sum}`
      parts.push(
        `<rect x="${x}" y="${y}" width="${cell - 1}" height="${cell - 1}" fill="${shade(share)}"><title>${escape(what)}</title></rect>`,
      )
      if (cell >= 26 && count > 0) {
        const size = cell >= 48 ? 14 : 10
        const colour = share > 0.5 ? '#ffffff' : '#1a1a1a'
        parts.push(
          `<text x="${x + cell / 2}" y="${y + cell / 2 + size / 3}" font-size="${size}" text-anchor="middle" fill="${colour}">${count}</text>`,
        )
      }
    }
  }
  const label = Math.min(12, cell)
  for (const [i, name] of classes.entries()) {
    const middle = margin + i * cell + cell / 2
    const text = escape(name.length > 28 ? `${name.slice(0, 27)}…` : name)
    parts.push(
      `<text x="${margin - 6}" y="${middle + label / 3}" font-size="${label}" text-anchor="end">${text}</text>`,
      `<text transform="translate(${middle + label / 3} ${margin - 6}) rotate(-60)" font-size="${label}">${text}</text>`,
    )
  }
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" width="${width}" height="${height}" font-family="system-ui, sans-serif" fill="#1a1a1a" role="img" aria-label="${escape(title)}">`,
    `<rect width="${width}" height="${height}" fill="#ffffff"/>`,
    ...parts,
    `<text x="${margin}" y="${height - 28}" font-size="13">${escape(title)}</text>`,
    `<text x="${margin}" y="${height - 10}" font-size="11" fill="#555555">rows: what it is; columns: what the model says</text>`,
    '</svg>',
    '',
  ].join('\n')
}

/** White to a dark blue, by the share of the row. */
function shade(share: number): string {
  const mix = (from: number, to: number) => Math.round(from + (to - from) * share)
  return `rgb(${mix(240, 8)} ${mix(244, 64)} ${mix(248, 129)})`
}

function escape(text: string): string {
  return text.replace(/[&<>"]/g, (c) => `&#${c.charCodeAt(0)};`)
}

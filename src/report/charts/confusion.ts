import { axisX, axisY, cell, text } from '@observablehq/plot'
import { markup, type Html } from '../html.ts'
import { heatStep } from '../palette.ts'
import { percentText } from '../figures.ts'
import { plural } from '../../util/text.ts'
import { draw } from './draw.ts'

export interface ConfusionOptions {
  /** Pictures by [truth][prediction]. */
  readonly counts: readonly (readonly number[])[]
  readonly classes: readonly string[]
  /** What is written in the cells. */
  readonly show: 'pictures' | 'share'
  readonly label: string
}

interface Cell {
  readonly truth: number
  readonly predicted: number
  readonly count: number
  readonly share: number
  readonly heat: string
}

/** Matrices may be drawn this much smaller on narrow screens. */
const LEAST = 0.8

/** The most characters of a class's name beside the matrix. */
const NAME = 18

/**
 * The matrix with a row a class: what it is downwards, what the model says to the right. What was named right is of one
 * colour, mistakes are of another, both by the root of their share of the row.
 */
export function confusionChart({ counts, classes, show, label }: ConfusionOptions): Html {
  const cells = cellsOf(counts)
  const n = classes.length
  const size = cellSize(n)
  const names = classes.map(shortened)
  const margin = Math.max(...names.map(width)) + 14
  const angle = Math.max(...names.map(width)) > size - 2 ? -45 : 0
  const top = angle === 0 ? 26 : Math.ceil(margin * Math.SQRT1_2) + 20
  const right =
    angle === 0 ? 4 : Math.max(4, Math.ceil(width(names.at(-1)!) * Math.SQRT1_2) - size / 2 + 8)
  const ticks = { tickSize: 0, label: null, fill: 'var(--text)' }
  const name = (i: number) => names[i]!
  return draw(
    label,
    {
      width: margin + n * size + right,
      height: top + n * size + 4,
      marginLeft: margin,
      marginTop: top,
      marginRight: right,
      marginBottom: 4,
      padding: 0.04,
      x: { domain: classes.map((_, i) => i), type: 'band' },
      y: { domain: classes.map((_, i) => i), type: 'band' },
      marks: [
        axisY({ ...ticks, tickFormat: name }),
        axisX({
          ...ticks,
          anchor: 'top',
          tickFormat: name,
          tickRotate: angle,
          ...(angle ? { textAnchor: 'start', dx: -4 } : {}),
        }),
        cell(cells, {
          x: 'predicted',
          y: 'truth',
          fill: (one: Cell) => `var(--${one.heat})`,
          rx: 2,
          title: (one: Cell) => titleOf(one, counts, classes),
        }),
        text(
          cells.filter(({ count }) => count > 0),
          {
            x: 'predicted',
            y: 'truth',
            text: (one: Cell) => (show === 'pictures' ? String(one.count) : shareText(one.share)),
            fill: (one: Cell) => `var(--${one.heat}-text)`,
            fontSize: size >= 36 ? 13 : 10,
            pointerEvents: 'none',
          },
        ),
      ],
      color: { type: 'identity' },
    },
    { least: LEAST },
  )
}

function cellsOf(counts: readonly (readonly number[])[]): Cell[] {
  return counts.flatMap((row, truth) => {
    const sum = row.reduce((a, b) => a + b, 0)
    return row.map((count, predicted) => {
      const share = sum === 0 ? 0 : count / sum
      const heat = `${truth === predicted ? 'right' : 'wrong'}-${heatStep(share)}`
      return { truth, predicted, count, share, heat }
    })
  })
}

/** Pixels of a cell: few classes get room for numbers, many still have to fit a screen. */
function cellSize(n: number): number {
  if (n <= 3) return 72
  if (n <= 8) return 52
  return n <= 16 ? 38 : 27
}

/** Whole percent: there is no room for more. */
function shareText(share: number): string {
  const percent = Math.round(share * 100)
  return share > 0 && percent === 0 ? '<1' : String(percent)
}

function titleOf(
  { truth, predicted, count, share }: Cell,
  counts: readonly (readonly number[])[],
  classes: readonly string[],
): string {
  const sum = counts[truth]!.reduce((a, b) => a + b, 0)
  const what = truth === predicted ? 'named right' : `taken for ${classes[predicted]}`
  return `${classes[truth]} ${what}: ${count} of ${plural(sum, 'picture')}, ${percentText(share)}`
}

function shortened(name: string): string {
  const characters = [...name]
  return characters.length > NAME ? `${characters.slice(0, NAME - 1).join('')}…` : name
}

/** About how many pixels a name takes; nobody measures text here. Full-width characters take twice as much. */
function width(name: string): number {
  return [...name].reduce((sum, character) => sum + (character > '\u2e80' ? 12 : 6.8), 0)
}

/** The same without names and numbers, for more classes than anybody reads: a pixel a cell, only what is not empty. */
export function confusionOverview(counts: readonly (readonly number[])[], label: string): Html {
  const n = counts.length
  const paths = new Map<string, string>()
  for (const { truth, predicted, count, heat } of cellsOf(counts)) {
    if (count > 0) paths.set(heat, `${paths.get(heat) ?? ''}M${predicted} ${truth}h1v1h-1z`)
  }
  const drawn = [...paths].map(([heat, d]) => markup`<path fill="var(--${heat})" d="${d}" />`)
  return markup`<svg
    class="chart overview"
    role="img"
    aria-label="${label}"
    viewBox="0 0 ${n} ${n}"
    width="${n}"
    height="${n}"
    shape-rendering="crispEdges"
  >
    <rect width="${n}" height="${n}" fill="var(--raised)" />
    ${drawn}
  </svg>`
}

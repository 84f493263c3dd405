import { dot, line, ruleY, text } from '@observablehq/plot'
import type { Html } from '../html.ts'
import { draw } from './draw.ts'

/** A line of the drawing with what stands at it. */
export interface ParallelAxis {
  readonly title: string
  readonly ticks: readonly { readonly at: number; readonly text: string }[]
}

export interface ParallelLine {
  /** By axis, 0..1; undefined where it has no place, and the line is broken. */
  readonly at: readonly (number | undefined)[]
  /** A CSS colour. */
  readonly colour: string
  /** Pixels. */
  readonly weight: number
}

/** From one axis to the next. */
const ROW = 64
/** Room for the first and the last tick of an axis. */
const SIDE = 34
/** About how wide a character is. */
const CHARACTER = 6.4
const LONGEST = 16

/**
 * Parallel coordinates with their axes one below the other, as names and values are read across: a line goes down from
 * value to value, later ones over earlier ones.
 */
export function parallelChart(
  axes: readonly ParallelAxis[],
  lines: readonly ParallelLine[],
  { label, width }: { readonly label: string; readonly width: number },
): Html {
  const points = lines.flatMap(({ at, colour, weight }, id) =>
    at.map((x, y) => ({ x: x ?? NaN, y, id, colour, weight })),
  )
  const room = width - 2 * SIDE
  const ticks = axes.flatMap(({ ticks: all }, y) =>
    fitting(all, room).map((tick) => ({ x: tick.at, y, text: tick.text })),
  )
  const halo = { stroke: 'var(--page)', strokeWidth: 4, strokeOpacity: 0.85 } as const
  return draw(label, {
    width,
    height: axes.length * ROW + 10,
    margin: 0,
    marginLeft: SIDE,
    marginRight: SIDE,
    marginTop: 26,
    marginBottom: 34,
    x: { domain: [0, 1], axis: null },
    y: { domain: [axes.length - 1, 0], axis: null },
    marks: [
      ruleY(
        axes.map((_, y) => ({ y })),
        { y: 'y', x1: 0, x2: 1, stroke: 'var(--muted)', strokeOpacity: 0.7 },
      ),
      line(points, {
        x: 'x',
        y: 'y',
        z: 'id',
        stroke: 'colour',
        strokeWidth: 'weight',
        strokeOpacity: 0.85,
        strokeLinejoin: 'round',
      }),
      dot(ticks, { x: 'x', y: 'y', r: 2, fill: 'var(--muted)' }),
      text(ticks, { x: 'x', y: 'y', text: 'text', dy: 13, fill: 'var(--text)', ...halo }),
      text(
        axes.map(({ title }, y) => ({ y, title })),
        {
          x: 0,
          y: 'y',
          text: 'title',
          dx: -SIDE,
          dy: -13,
          textAnchor: 'start',
          fontWeight: 600,
          fill: 'var(--text)',
          ...halo,
        },
      ),
    ],
    color: { type: 'identity' },
  })
}

/** Ticks whose texts have room beside each other: the first and the last one, and of the others as many as fit. */
export function fitting<Tick extends ParallelAxis['ticks'][number]>(
  ticks: readonly Tick[],
  room: number,
): Tick[] {
  const short = ticks.map((tick) => ({ ...tick, text: shortened(tick.text) }))
  const half = ({ text: shown }: Tick) => ([...shown].length * CHARACTER) / 2 + 3
  const last = short.at(-1)
  const kept: Tick[] = []
  for (const tick of short) {
    const apart = (other: Tick | undefined) =>
      !other || Math.abs(tick.at - other.at) * room >= half(tick) + half(other)
    if (tick === last || (apart(kept.at(-1)) && apart(last))) kept.push(tick)
  }
  return kept
}

function shortened(text: string): string {
  const characters = [...text]
  return characters.length > LONGEST ? `${characters.slice(0, LONGEST - 1).join('')}…` : text
}

import type { Scheme } from './palette.ts'

/** Steps of the colour of a trial by how good it is among the others, the last one the best. */
export const RANK_STEPS = 6

/** From the worst trial to the best one; the sides of a comparison. Text in the colour of a side has a contrast of 4.5. */
const COLOURS = {
  light: { a: '#8a5300', b: '#1a5fb4', worst: '#c3c9d2', best: '#1a5fb4' },
  dark: { a: '#e8b458', b: '#7fb5f5', worst: '#454c58', best: '#7fb5f5' },
} as const

/** The variables of a scheme as CSS declarations: `--side-a`, `--side-b`, `--rank-0`… */
export function variablesOf(scheme: Scheme): string {
  const { a, b, worst, best } = COLOURS[scheme]
  const ranks = Array.from({ length: RANK_STEPS + 1 }, (_, step) => {
    const share = Math.round((100 * step) / RANK_STEPS)
    return `--rank-${step}:color-mix(in oklab,${best} ${share}%,${worst})`
  })
  return [`--side-a:${a}`, `--side-b:${b}`, ...ranks].join(';')
}

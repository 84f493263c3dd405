/** Colours of pages, in light and in dark: names of CSS variables and their values. Text has a contrast of 4.5 and more. */
export const PALETTE = {
  light: {
    page: '#ffffff',
    raised: '#f5f6f8',
    line: '#dfe2e7',
    text: '#1b1e23',
    muted: '#59616c',
    accent: '#1a5fb4',
    good: '#1b7340',
    bad: '#b3261e',
    warn: '#8a5300',
    train: '#7b8491',
    validation: '#1a5fb4',
    wrong: '#c2410c',
  },
  dark: {
    page: '#15171b',
    raised: '#1e2127',
    line: '#343942',
    text: '#e5e8ec',
    muted: '#a3abb6',
    accent: '#7fb5f5',
    good: '#66cc94',
    bad: '#ff9a90',
    warn: '#e8b458',
    train: '#8f98a5',
    validation: '#7fb5f5',
    wrong: '#f5935a',
  },
} as const

export type Scheme = keyof typeof PALETTE
export type Tone = keyof (typeof PALETTE)['light']

/** Steps of a heat map, 0 the least; step 0 is hardly more than the page. */
export const HEAT_STEPS = 10

/** `right`: cells of what was named right; `wrong`: of what was taken for something else. */
export type Heat = 'right' | 'wrong'

const ENDS: Readonly<Record<Scheme, Readonly<Record<Heat, readonly [string, string]>>>> = {
  light: { right: ['#f4f5f7', '#0f4c8f'], wrong: ['#f4f5f7', '#b83a06'] },
  dark: { right: ['#1e2127', '#8bbdf7'], wrong: ['#1e2127', '#f79a62'] },
}

/** A cell's background, and the text on it that contrasts more. */
export function heatColour(
  scheme: Scheme,
  heat: Heat,
  step: number,
): { fill: string; text: string } {
  const fill = mixed(...ENDS[scheme][heat], step / HEAT_STEPS)
  const inks = ['#000000', '#ffffff']
  const text = inks.reduce((a, b) => (contrast(b, fill) > contrast(a, fill) ? b : a))
  return { fill, text }
}

/** The steps that shares 0..1 of a row are drawn in: the root, so that a few mistakes among many are seen. */
export function heatStep(share: number): number {
  return share <= 0 ? 0 : Math.max(1, Math.round(Math.sqrt(Math.min(share, 1)) * HEAT_STEPS))
}

/** Contrast ratio of two colours, 1..21 (WCAG 2.2, relative luminance). */
export function contrast(a: string, b: string): number {
  const [low, high] = [luminance(a), luminance(b)].sort((x, y) => x - y) as [number, number]
  return (high + 0.05) / (low + 0.05)
}

function luminance(colour: string): number {
  const [r, g, b] = channels(colour).map((value) => {
    const c = value / 255
    return c <= 0.04045 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4
  }) as [number, number, number]
  return 0.2126 * r + 0.7152 * g + 0.0722 * b
}

function mixed(from: string, to: string, share: number): string {
  const [a, b] = [channels(from), channels(to)]
  const parts = a.map((value, i) => Math.round(value + (b[i]! - value) * share))
  return `#${parts.map((part) => part.toString(16).padStart(2, '0')).join('')}`
}

/** `#rrggbb` as three numbers 0..255. */
function channels(colour: string): number[] {
  return [1, 3, 5].map((at) => Number.parseInt(colour.slice(at, at + 2), 16))
}

/** The variables of a scheme as CSS declarations. */
export function variables(scheme: Scheme): string {
  const plain = Object.entries(PALETTE[scheme]).map(([name, value]) => `--${name}:${value}`)
  const heats = (['right', 'wrong'] as const).flatMap((heat) =>
    Array.from({ length: HEAT_STEPS + 1 }, (_, step) => {
      const { fill, text } = heatColour(scheme, heat, step)
      return `--${heat}-${step}:${fill};--${heat}-${step}-text:${text}`
    }),
  )
  return [...plain, ...heats].join(';')
}

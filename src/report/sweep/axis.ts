import type { Domain } from '../../sweeps/domain.ts'
import { canonicalJson, type Json } from '../../util/json.ts'

/** Where the values of something stand on a line from 0 to 1. */
export interface Axis {
  readonly kind: 'places' | 'linear' | 'log'
  readonly ticks: readonly Tick[]
  /** 0..1; undefined for what has no place. */
  readonly at: (value: Json | undefined) => number | undefined
}

export interface Tick {
  /** 0..1. */
  readonly at: number
  readonly text: string
}

/** More listed numbers than these are drawn as a range. */
const PLACES = 12

/**
 * Of listed values each has a place, numbers in their order; a range is drawn by its own distribution. What some trials
 * do not have stands at the left, as `–`.
 */
export function axisOf(domain: Domain, values: readonly (Json | undefined)[]): Axis {
  const known = values.filter((value) => value !== undefined)
  const numbers = known.filter((value) => typeof value === 'number')
  const distinct = distinctOf(known)
  const isRange = domain.type !== 'values' || distinct.length > PLACES
  if (!isRange || numbers.length < known.length || new Set(numbers).size < 2) {
    return placesOf(values.includes(undefined) ? [undefined, ...distinct] : distinct)
  }
  const isLog = domain.type === 'logUniform' || (domain.type === 'values' && isWide(numbers))
  return rangeOf(numbers, isLog, numberText)
}

function distinctOf(values: readonly Json[]): Json[] {
  const all = [...new Map(values.map((value) => [canonicalJson(value), value])).values()]
  const numbers = all.filter((value) => typeof value === 'number')
  return numbers.length === all.length ? numbers.sort((a, b) => a - b) : all
}

function isWide(numbers: readonly number[]): boolean {
  return Math.min(...numbers) > 0 && Math.max(...numbers) / Math.min(...numbers) >= 50
}

function placesOf(values: readonly (Json | undefined)[]): Axis {
  const keys = values.map(keyOf)
  const place = (i: number) => (values.length === 1 ? 0.5 : i / (values.length - 1))
  return {
    kind: 'places',
    ticks: values.map((value, i) => ({ at: place(i), text: valueText(value) })),
    at: (value) => {
      const i = keys.indexOf(keyOf(value))
      return i < 0 ? undefined : place(i)
    },
  }
}

function keyOf(value: Json | undefined): string {
  return value === undefined ? '' : canonicalJson(value)
}

/** Of numbers, from the least to the greatest of them, with a tick at both and some between. */
export function rangeOf(
  numbers: readonly number[],
  isLog: boolean,
  text: (x: number) => string,
): Axis {
  const [low, high] = [Math.min(...numbers), Math.max(...numbers)]
  const scale = isLog ? Math.log10 : (x: number) => x
  const at = (x: number) =>
    high === low ? 0.5 : (scale(x) - scale(low)) / (scale(high) - scale(low))
  const inner = isLog ? powersBetween(low, high) : quarters(low, high)
  const apart = inner.filter((x) => at(x) > 0.12 && at(x) < 0.88)
  const shown = high === low ? [low] : [low, ...apart, high]
  return {
    kind: isLog ? 'log' : 'linear',
    ticks: shown.map((x) => ({ at: at(x), text: text(x) })),
    at: (value) => (typeof value === 'number' && Number.isFinite(value) ? at(value) : undefined),
  }
}

function powersBetween(low: number, high: number): number[] {
  const powers: number[] = []
  for (let power = Math.ceil(Math.log10(low)); power <= Math.log10(high); power += 1) {
    powers.push(10 ** power)
  }
  return powers
}

function quarters(low: number, high: number): number[] {
  return [0.25, 0.5, 0.75].map((share) => low + share * (high - low))
}

/** Three digits: what an axis has room for. */
function numberText(x: number): string {
  return String(Number(x.toPrecision(3)))
}

/** A parameter's value as a person writes it. */
export function valueText(value: Json | undefined): string {
  if (value === undefined) return '–'
  return typeof value === 'object' && value !== null ? canonicalJson(value) : String(value)
}

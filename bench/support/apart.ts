import { median } from './pairs.ts'
import type { NamedTensor } from '../../src/util/safetensors.ts'

/** What 30 steps came to, on one side. */
export interface Outcome {
  readonly losses: readonly number[]
  /** Every weight after them, moving averages included, by name. */
  readonly weights: ReadonlyMap<string, Float32Array>
}

/** How far two outcomes are apart: losses relatively, weights in parts of each tensor's largest value. */
export interface Apart {
  readonly loss: number
  /** Of the tensor that is furthest apart. */
  readonly weight: number
  readonly name: string
  /** Of the tensor in the middle: what is wrong somewhere would not stay with the furthest one. */
  readonly middle: number
}

/** `theirs` is what the figures are parts of; weights that `mine` lacks are constants. */
export function apartOf(mine: Outcome, theirs: Outcome): Apart {
  if (mine.losses.length !== theirs.losses.length) throw new Error('numbers of steps differ')
  const losses = mine.losses.map((value, i) => relative(value, theirs.losses[i]!))
  const weights = [...mine.weights].map(([name, values]): [number, string] => {
    const other = theirs.weights.get(name)
    if (other?.length !== values.length) throw new Error(`no ${name} of this size on both sides`)
    return [partsApart(values, other), name]
  })
  const [weight, name] = weights.reduce((most, next) => (next[0] > most[0] ? next : most))
  const middle = median(weights.map(([part]) => part))
  return { loss: Math.max(...losses), weight, name, middle }
}

export function greatest(all: readonly Apart[]): Apart {
  const loss = Math.max(...all.map((apart) => apart.loss))
  const middle = Math.max(...all.map((apart) => apart.middle))
  const { weight, name } = all.reduce((most, next) => (next.weight > most.weight ? next : most))
  return { loss, weight, name, middle }
}

export function apartText({ loss, weight, name, middle }: Apart): string {
  const [l, m, w] = [loss, middle, weight].map((value) => value.toExponential(1))
  return `losses ${l}, weights ${m} in the middle, at most ${w} (${name})`
}

export function dataOf(tensors: ReadonlyMap<string, NamedTensor>): Map<string, Float32Array> {
  return new Map([...tensors].map(([name, { data }]) => [name, data]))
}

/** The largest difference in parts of the largest of `theirs`; infinite where the sizes differ. */
export function partsApart(mine: Float32Array, theirs: Float32Array): number {
  if (mine.length !== theirs.length) return Infinity
  let [apart, largest] = [0, 0]
  theirs.forEach((value, i) => {
    largest = Math.max(largest, Math.abs(value))
    apart = Math.max(apart, Math.abs(value - mine[i]!))
  })
  // NaN is as far apart as can be.
  return apart === 0 ? 0 : finite(apart / largest)
}

function relative(mine: number, theirs: number): number {
  return finite(Math.abs(mine - theirs) / Math.abs(theirs))
}

function finite(value: number): number {
  return Number.isNaN(value) ? Infinity : value
}

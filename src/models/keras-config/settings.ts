import type { Json, JsonObject } from '../../util/json.ts'
import type { Activation, InitializerConfig } from '../layer-graph.ts'
import {
  activationFromKeras,
  initializerFromKeras,
  numberIn,
  numbersIn,
  regularizerFromKeras,
  snakeText,
  type KerasFormat,
  type L1L2,
} from './values.ts'

type Pair = readonly [number, number]

/** What is in every layer's config and says nothing of what the layer computes. */
const COMMON = new Set([
  ...['name', 'trainable', 'dtype', 'input_dtype', 'autocast', 'seed', 'batch_size'],
  ...['batch_input_shape', 'batch_shape', 'input_shape', 'input_dim'],
])
/** Acts only while the layer is trained. */
const IN_TRAINING = /_(regularizer|constraint)$/

/**
 * The settings of one layer as a file gives them: read one by one, by Keras' (snake case) name; what is wrong is noted,
 * and a fallback taken, so that a reader sees all of it. A setting that nobody asked for is a problem too, where it
 * is more than null or false: it may change numbers.
 */
export class Settings {
  readonly format: KerasFormat
  /** Of the layer's input, the batch's included; undefined where that is not known. */
  readonly axes: number | undefined
  readonly problems: string[] = []
  /** Settings that only training would feel, and that are left out. */
  readonly untrained: string[] = []
  readonly #raw: ReadonlyMap<string, Json>
  readonly #seen = new Set<string>()

  constructor(raw: JsonObject, format: KerasFormat, axes: number | undefined) {
    this.format = format
    this.axes = axes
    this.#raw = new Map(
      Object.entries(raw).map(([key, value]) => [snakeText(key), value ?? null] as const),
    )
  }

  /** Null where the file has none. */
  raw(key: string): Json {
    this.#seen.add(key)
    return this.#raw.get(key) ?? null
  }

  number(key: string, fallback?: number): number {
    const value = this.raw(key)
    if (value === null && fallback !== undefined) return fallback
    const number = numberIn(value)
    if (number === undefined) this.wrong(key, 'a number')
    return number ?? fallback ?? 0
  }

  /** Undefined where the file has none. */
  numbers(key: string): readonly number[] | undefined {
    const value = this.raw(key)
    const list = value === null ? undefined : numbersIn(value)
    if (value !== null && list === undefined) this.wrong(key, 'a list of numbers')
    return list
  }

  oneOrMore(key: string, fallback: number): number | readonly number[] {
    return numberIn(this.raw(key)) ?? this.numbers(key) ?? fallback
  }

  /** A whole number from 1 on. */
  size(key: string, fallback?: number): number {
    const value = this.number(key, fallback)
    if (Number.isInteger(value) && value > 0) return value
    this.wrong(key, 'a whole number above 0')
    return 1
  }

  flag(key: string, fallback: boolean): boolean {
    const value = this.raw(key) ?? fallback
    if (typeof value === 'boolean') return value
    if (value === 0 || value === 1) return value === 1
    this.wrong(key, 'true or false')
    return fallback
  }

  choice<Name extends string>(key: string, names: readonly Name[], fallback: Name): Name {
    const value = this.raw(key) ?? fallback
    const found = names.find((name) => typeof value === 'string' && snakeText(value) === name)
    if (found === undefined) this.wrong(key, names.join(' or '))
    return found ?? fallback
  }

  /** Rows and columns, also given as one number. */
  sizes(key: string, fallback?: Pair): Pair {
    const value = this.raw(key)
    if (value === null && fallback) return fallback
    const list = numbersIn(value) ?? []
    const pair = list.length === 1 ? [list[0]!, list[0]!] : list
    if (pair.length === 2 && pair.every((n) => Number.isInteger(n) && n > 0)) {
      return [pair[0]!, pair[1]!]
    }
    this.wrong(key, 'one or two whole numbers above 0')
    return [1, 1]
  }

  /** [[top, bottom], [left, right]], also given as one number or as [rows, columns]. */
  borders(key: string, fallback: number): readonly [Pair, Pair] {
    const list = numbersIn(this.raw(key) ?? fallback) ?? []
    const whole = list.every((n) => Number.isInteger(n) && n >= 0)
    const [a = 0, b = a, c = b, d = c] = list
    if (whole && list.length === 4)
      return [
        [a, b],
        [c, d],
      ]
    if (whole && (list.length === 1 || list.length === 2))
      return [
        [a, a],
        [b, b],
      ]
    this.wrong(key, 'one, two or four whole numbers')
    return [
      [0, 0],
      [0, 0],
    ]
  }

  activation(key = 'activation'): Activation {
    const activation = activationFromKeras(this.raw(key), this.format)
    if (activation === undefined) this.wrong(key, 'an activation that is known')
    return activation ?? 'linear'
  }

  initializer(key: string, fallback: InitializerConfig): InitializerConfig {
    return initializerFromKeras(this.raw(key)) ?? fallback
  }

  regularizer(key: string): L1L2 | undefined {
    const regularizer = regularizerFromKeras(this.raw(key))
    if (regularizer === null) this.untrained.push(key)
    return regularizer ?? undefined
  }

  /** A setting that must have one value (absent counts as it), as no other is done here. */
  only(key: string, value: number | boolean | string): void {
    const given = this.raw(key)
    if (given === null || given === value) return
    const text = typeof given === 'string' ? snakeText(given) : undefined
    const list = numbersIn(given)
    const same = text === value || (list !== undefined && list.every((n) => n === value))
    if (!same) this.wrong(key, String(value))
  }

  /** An axis, or a list of one, that must be the last: -1, or counted from the batch's on. */
  lastAxis(key = 'axis'): void {
    const axis = numberIn(this.raw(key) ?? -1)
    const last = axis === -1 || (axis !== undefined && axis === (this.axes ?? axis + 1) - 1)
    if (!last) this.wrong(key, 'the last axis')
  }

  /** Settings without effect on what is computed here. */
  ignore(...keys: readonly string[]): void {
    for (const key of keys) this.#seen.add(key)
  }

  /** Of a layer that acts in training only. */
  ignoreAll(what: string): void {
    for (const key of this.#raw.keys()) this.#seen.add(key)
    this.untrained.push(what)
  }

  wrong(key: string, wanted: string): void {
    const given = JSON.stringify(this.#raw.get(key) ?? null)
    const short = given.length > 60 ? `${given.slice(0, 60)}...` : given
    this.problems.push(`${key} must be ${wanted} here, got ${short}`)
  }

  /** To be called when a layer has read its own. */
  finish(): void {
    for (const [key, value] of this.#raw) {
      if (this.#seen.has(key) || COMMON.has(key) || key.endsWith('_initializer')) continue
      if (value === null || value === false) continue
      if (IN_TRAINING.test(key)) this.untrained.push(key)
      else this.problems.push(`${key} is not known here, got ${JSON.stringify(value).slice(0, 60)}`)
    }
  }
}

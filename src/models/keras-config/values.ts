import type { Json, JsonObject } from '../../util/json.ts'
import { INITIALIZERS } from '../weights/initializers.ts'
import type { Activation, InitializerConfig } from '../layer-graph.ts'

/** Keras 3's JSON, or that of Keras 2, which is also tfjs'. */
export type KerasFormat = 'keras2' | 'keras3'

/** Keras' name for each activation. */
const ACTIVATIONS: { readonly [Name in Activation]: string } = {
  linear: 'linear',
  relu: 'relu',
  relu6: 'relu6',
  leaky_relu: 'leaky_relu',
  elu: 'elu',
  selu: 'selu',
  silu: 'silu',
  gelu: 'gelu',
  hard_sigmoid: 'hard_sigmoid',
  hard_silu: 'hard_silu',
  sigmoid: 'sigmoid',
  softmax: 'softmax',
  tanh: 'tanh',
  softplus: 'softplus',
  softsign: 'softsign',
  exponential: 'exponential',
}

/** Other names that Keras takes. */
const ALIASES: Readonly<Record<string, Activation>> = { swish: 'silu', hard_swish: 'hard_silu' }
/** What Keras 2 means by these is something else: 0.2 x + 0.5 clipped to 0..1; and it has no default slope of 0.2. */
const OTHER_IN_KERAS2: ReadonlySet<string> = new Set(['hard_sigmoid', 'leaky_relu'])

/** Undefined for a function that there is none of here. */
export function activationFromKeras(
  value: Json | undefined,
  format: KerasFormat,
): Activation | undefined {
  const name = functionName(value)
  if (name === undefined || (format === 'keras2' && OTHER_IN_KERAS2.has(name))) return undefined
  if (Object.hasOwn(ALIASES, name)) return ALIASES[name]
  const found = Object.entries(ACTIVATIONS).find(([, keras]) => keras === name)
  return found?.[0] as Activation | undefined
}

export function activationToKeras(activation: Activation, format: KerasFormat): string {
  if (activation === 'silu' && format === 'keras2') return 'swish'
  return ACTIVATIONS[activation]
}

/** `"relu"`, or `{"class_name": "function", "config": "relu6"}` for a function that was given as such; null is linear. */
function functionName(value: Json | undefined): string | undefined {
  if (value === null || value === undefined) return 'linear'
  if (typeof value === 'string') return value
  if (!isObject(value)) return undefined
  return value['class_name'] === 'function' ? functionName(value['config']) : undefined
}

/** Undefined for one that is not known: the values of a file's weights are in the file. */
export function initializerFromKeras(value: Json | undefined): InitializerConfig | undefined {
  if (!isObject(value) || typeof value['class_name'] !== 'string') return undefined
  const name = value['class_name']
  if (!(name in INITIALIZERS)) return undefined
  const config = isObject(value['config']) ? value['config'] : {}
  const given = (ARGUMENTS[name] ?? []).flatMap((key) => {
    const argument = config[key]
    if (typeof argument === 'number') return [[key, argument]]
    return typeof argument === 'string' ? [[key, camelCase(argument)]] : []
  })
  return { name, ...Object.fromEntries(given) } as InitializerConfig
}

export function initializerToKeras(initializer: InitializerConfig, format: KerasFormat): Json {
  const { name, ...given } = initializer
  const config = Object.fromEntries(
    Object.entries(given).map(([key, value]) => [
      key,
      typeof value === 'string' ? snakeText(value) : value,
    ]),
  )
  return serialized('keras.initializers', name, config, format)
}

/** An initializer's arguments that change what it draws; ours are spelled alike. */
const ARGUMENTS: Readonly<Record<string, readonly string[]>> = {
  Constant: ['value'],
  RandomNormal: ['mean', 'stddev'],
  TruncatedNormal: ['mean', 'stddev'],
  RandomUniform: ['minval', 'maxval'],
  VarianceScaling: ['scale', 'mode', 'distribution'],
}

export interface L1L2 {
  readonly l1?: number
  readonly l2?: number
}

/** Undefined for none, and null for one that is not known. */
export function regularizerFromKeras(value: Json | undefined): L1L2 | undefined | null {
  if (value === null || value === undefined) return undefined
  if (!isObject(value) || !['L1', 'L2', 'L1L2'].includes(String(value['class_name']))) return null
  const config = isObject(value['config']) ? value['config'] : {}
  const part = (key: 'l1' | 'l2') => {
    const factor = numberIn(config[key])
    return factor === undefined || factor === 0 ? {} : { [key]: factor }
  }
  const both: L1L2 = { ...part('l1'), ...part('l2') }
  return both.l1 === undefined && both.l2 === undefined ? undefined : both
}

export function regularizerToKeras(regularizer: L1L2 | undefined, format: KerasFormat): Json {
  if (!regularizer) return null
  const { l1 = 0, l2 = 0 } = regularizer
  return serialized('keras.regularizers', 'L1L2', { l1, l2 }, format)
}

/** An object of Keras', as `serialize_keras_object` writes it. */
export function serialized(
  module: string,
  name: string,
  config: JsonObject,
  format: KerasFormat,
): JsonObject {
  return format === 'keras2'
    ? { class_name: name, config }
    : { module, class_name: name, config, registered_name: null }
}

/** A number, also one that numpy wrote (`__numpy__`, `__tensor__`, or a list of one). */
export function numberIn(value: Json | undefined): number | undefined {
  if (typeof value === 'number') return value
  const list = numbersIn(value)
  return list?.length === 1 ? list[0] : undefined
}

/** A list of numbers, nested ones in order, also as numpy wrote it. */
export function numbersIn(value: Json | undefined): readonly number[] | undefined {
  if (isObject(value)) {
    const array = value['class_name'] === '__numpy__' || value['class_name'] === '__tensor__'
    return array && isObject(value['config']) ? numbersIn(value['config']['value']) : undefined
  }
  if (typeof value === 'number') return [value]
  if (!Array.isArray(value)) return undefined
  const parts = (value as readonly Json[]).map((part) => numbersIn(part))
  return parts.every((part) => part !== undefined) ? parts.flat() : undefined
}

export function isObject(value: Json | undefined): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

/** `kernelSize` and `KernelSize` as Python writes it; what is in snake case already stays. */
export function snakeText(text: string): string {
  if (!/[A-Z]/.test(text)) return text
  return text.replace(/([a-z0-9])([A-Z])/g, '$1_$2').toLowerCase()
}

function camelCase(text: string): string {
  return text.replace(/_([a-z])/g, (_, letter: string) => letter.toUpperCase())
}

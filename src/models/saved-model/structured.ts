import type { FunctionSpec, StructuredValue, TensorSpec } from './object-graph.ts'

export type Literal = null | boolean | number | string

/** One value within a nest of Python lists, tuples and dictionaries, in the order of `tf.nest.flatten`. */
export interface Leaf {
  /** The way to it: keys and positions. */
  readonly path: readonly string[]
  /** A tensor that a function takes or gives. */
  readonly spec?: TensorSpec
  /** Any other value; undefined for those that are neither number, truth value, text nor None. */
  readonly literal?: Literal | undefined
}

export function leavesOf(value: StructuredValue, path: readonly string[] = []): Leaf[] {
  const items = value.tuple?.values ?? value.list?.values
  if (items) return items.flatMap((item, i) => leavesOf(item, [...path, String(i)]))
  if (value.dict) {
    const fields = [...value.dict.fields].sort(([a], [b]) => (a < b ? -1 : 1))
    return fields.flatMap(([key, item]) => leavesOf(item, [...path, key]))
  }
  if (value.namedTuple) {
    return value.namedTuple.values.flatMap(({ key, value: item }) => leavesOf(item, [...path, key]))
  }
  const spec = value.spec ?? value.bounded
  return [spec ? { path, spec } : { path, literal: literalOf(value) }]
}

function literalOf(value: StructuredValue): Literal | undefined {
  if (value.bool !== undefined) return value.bool
  if (value.string !== undefined) return value.string
  if (value.double !== undefined) return value.double
  if (value.zigzag !== undefined) {
    return value.zigzag % 2 === 0 ? value.zigzag / 2 : -(value.zigzag + 1) / 2
  }
  return value.none ? null : undefined
}

/** A Python function's arguments by name, with their defaults where they have one. */
export interface Parameters {
  readonly names: readonly string[]
  readonly defaults: ReadonlyMap<string, Literal | undefined>
}

export function parametersOf({ fullArgSpec, isMethod }: FunctionSpec): Parameters {
  const fields = new Map((fullArgSpec.namedTuple?.values ?? []).map((f) => [f.key, f.value]))
  const list = (key: string): readonly StructuredValue[] => {
    const value = fields.get(key)
    return value?.list?.values ?? value?.tuple?.values ?? []
  }
  const names = list('args').map((name) => name.string ?? '')
  if (isMethod && names[0] === 'self') names.shift()
  const given = list('defaults')
  const withDefault = names.slice(names.length - given.length)
  const defaults = new Map(withDefault.map((name, i) => [name, literalOf(given[i]!)]))
  for (const [key, value] of fields.get('kwonlydefaults')?.dict?.fields ?? []) {
    defaults.set(key, literalOf(value))
  }
  return { names, defaults }
}

/** The leaves of a canonicalized signature ((positional ...), {keyword: ...}); each path begins with the argument's name. */
export function argumentLeaves(inputs: StructuredValue, names: readonly string[]): Leaf[] {
  const [positional, keywords] = inputs.tuple?.values ?? []
  const first = positional?.tuple?.values ?? []
  return [
    ...first.flatMap((value, i) => leavesOf(value, [names[i] ?? String(i)])),
    ...(keywords ? leavesOf(keywords) : []),
  ]
}

export function shapeOf({ shape }: Pick<TensorSpec, 'shape'>): readonly number[] | null {
  return shape.unknownRank ? null : shape.dims.map(({ size }) => size)
}

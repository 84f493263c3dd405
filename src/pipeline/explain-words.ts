import { didYouMean } from '../util/suggest.ts'
import { alternatives, words } from './schema.ts'
import type { Schema } from './schema.ts'
import type { Node, ScalarNode } from './tree.ts'

/** What may stand there, in words: `none, balanced or a map`. */
export function wantedBy(schema: Schema): string {
  return either(
    alternatives(schema).flatMap((a) => (words(a).length > 0 ? words(a) : [typeName(a)])),
  )
}

export function either(names: readonly string[]): string {
  const unique = [...new Set(names)]
  const last = unique.pop()!
  return unique.length > 0 ? `${unique.join(', ')} or ${last}` : last
}

/** `; did you mean "seed"?`, or nothing. */
export function guessed(word: string, candidates: readonly string[]): string {
  const guess = didYouMean(word, candidates)
  return guess === undefined ? '' : `; ${guess}`
}

export function hasType(schema: Schema, value: ScalarNode['value']): boolean {
  if (schema.type === undefined) return true
  if (value === null) return false
  if (schema.type === 'number') return typeof value === 'number'
  if (schema.type === 'integer') return typeof value === 'number' && Number.isInteger(value)
  return schema.type === typeof value
}

/** What is wrong with a value of the right type, as the end of a sentence; undefined where it fits. */
export function complaint(schema: Schema, value: ScalarNode['value']): string | undefined {
  if (schema.enum && !schema.enum.includes(String(value)))
    return `must be one of ${schema.enum.join(', ')}`
  if (schema.const !== undefined && schema.const !== value) return `must be ${schema.const}`
  if (typeof value === 'string') {
    const wrong = schema.pattern !== undefined && !new RegExp(schema.pattern, 'u').test(value)
    return wrong ? (schema.patternErrorMessage ?? `must match ${schema.pattern}`) : undefined
  }
  if (typeof value !== 'number') return undefined
  const { minimum, maximum, exclusiveMinimum, exclusiveMaximum } = schema
  if (!Number.isFinite(value)) return 'must be finite'
  if (minimum !== undefined && value < minimum) return `must be ${minimum} or more`
  if (maximum !== undefined && value > maximum) return `must be ${maximum} or less`
  if (exclusiveMinimum !== undefined && value <= exclusiveMinimum)
    return `must be more than ${exclusiveMinimum}`
  if (exclusiveMaximum !== undefined && value >= exclusiveMaximum)
    return `must be less than ${exclusiveMaximum}`
  return undefined
}

function typeName(schema: Schema): string {
  const { type } = schema
  if (type === undefined) return 'a value'
  switch (type) {
    case 'object':
      return 'a map'
    case 'array':
      return 'a list'
    case 'number':
      return 'a number'
    case 'integer':
      return 'a whole number'
    case 'boolean':
      return 'true or false'
    case 'string':
      if (schema.title === 'Fraction') return 'a fraction'
      return 'text'
  }
}

export function show(node: Node): string {
  if (node.kind === 'map') return 'a map'
  if (node.kind === 'list') return 'a list'
  if (typeof node.value === 'string')
    return node.value.length > 60 ? `"${node.value.slice(0, 57)}..."` : `"${node.value}"`
  return String(node.value)
}

/** An example as YAML in one line. */
export function flow(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(flow).join(', ')}]`
  if (typeof value === 'object' && value !== null) {
    return `{${Object.entries(value)
      .map(([key, v]) => `${key}: ${flow(v)}`)
      .join(', ')}}`
  }
  return typeof value === 'string' && /[:#{}[\],&*?|<>=!%@`]/.test(value)
    ? JSON.stringify(value)
    : String(value)
}

import { canonicalJson, type Json } from '../../util/json.ts'
import type { RunRecord } from '../record.ts'

/** What ran the two: engine, versions, machine, commit. Undefined: that side does not say. */
export interface EnvironmentDiff {
  readonly name: string
  readonly a: Json | undefined
  readonly b: Json | undefined
  readonly same: boolean
}

export function environmentDiff(a: RunRecord, b: RunRecord): EnvironmentDiff[] {
  const [left, right] = [flat(a), flat(b)]
  return [...new Set([...left.keys(), ...right.keys()])]
    .map((name) => ({ name, a: left.get(name), b: right.get(name) }))
    .map((row) => ({ ...row, same: text(row.a) === text(row.b) }))
}

function flat({ engine, environment }: RunRecord): Map<string, Json> {
  const found = new Map<string, Json>()
  const walk = (name: string, value: Json | undefined): void => {
    if (typeof value !== 'object' || value === null || Array.isArray(value)) {
      if (value !== undefined) found.set(name, value)
    } else {
      for (const [key, member] of Object.entries(value)) walk(name ? `${name}.${key}` : key, member)
    }
  }
  walk('engine', (engine ?? {}) as Json)
  walk('', environment)
  return found
}

function text(value: Json | undefined): string {
  return value === undefined ? '' : canonicalJson(value)
}

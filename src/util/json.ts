export type Json = null | boolean | number | string | readonly Json[] | JsonObject
export interface JsonObject {
  readonly [key: string]: Json | undefined
}

/**
 * JSON with object keys sorted by code unit and no white space, so that equal values give equal bytes.
 * `undefined` members are left out; NaN and infinities throw a TypeError (they have no JSON form).
 */
export function canonicalJson(value: Json | undefined): string {
  if (value === null || typeof value === 'boolean' || typeof value === 'string') {
    return JSON.stringify(value)
  }
  if (typeof value === 'number') {
    if (!Number.isFinite(value)) throw new TypeError(`${value} has no JSON form`)
    return JSON.stringify(value)
  }
  if (Array.isArray(value)) return `[${value.map((v: Json) => canonicalJson(v)).join(',')}]`
  if (typeof value === 'object') {
    const object = value as JsonObject
    const members = Object.keys(object)
      .filter((key) => object[key] !== undefined)
      .sort(byCodeUnit)
      .map((key) => `${JSON.stringify(key)}:${canonicalJson(object[key])}`)
    return `{${members.join(',')}}`
  }
  throw new TypeError(`${typeof value} has no JSON form`)
}

/** JSON for files that people read and diff: sorted keys, two spaces, one trailing newline. */
export function stableJson(value: Json): string {
  return `${JSON.stringify(JSON.parse(canonicalJson(value)), null, 2)}\n`
}

/**
 * The same with lists and objects on one line where they fit into `width` columns, so that a diff shows one line for each figure, shape
 * or epoch that changed.
 */
export function foldedJson(value: Json, width = 100): string {
  return `${folded(JSON.parse(canonicalJson(value)) as Json, '', 0, width)}\n`
}

/** `before`: what stands on the line in front of the value. */
function folded(value: Json, indent: string, before: number, width: number): string {
  if (typeof value !== 'object' || value === null) return JSON.stringify(value)
  const isList = Array.isArray(value)
  const parts = isList
    ? value.map((item: Json) => ['', item] as const)
    : Object.entries(value).map(([key, item]) => [`${JSON.stringify(key)}: `, item!] as const)
  const [open, close] = isList ? '[]' : '{}'
  // With a comma behind it.
  const room = width - indent.length - before - 1
  const line = `${open}${parts.map(([key, item]) => key + onOneLine(item)).join(', ')}${close}`
  if (parts.length === 0 || line.length <= room) return line
  const inner = `${indent}  `
  const lines = parts.map(([key, item]) => inner + key + folded(item, inner, key.length, width))
  return `${open}\n${lines.join(',\n')}\n${indent}${close}`
}

function onOneLine(value: Json): string {
  return folded(value, '', 0, Infinity)
}

export function byCodeUnit(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0
}

/** Order by Unicode code point, as Python's `sorted` does (UTF-16 order differs beyond the BMP). */
export function byCodePoint(a: string, b: string): number {
  const length = Math.min(a.length, b.length)
  let i = 0
  while (i < length && a.charCodeAt(i) === b.charCodeAt(i)) i += 1
  if (i === length) return a.length - b.length
  return rank(a.charCodeAt(i)) - rank(b.charCodeAt(i))
}

/** Surrogates stand for code points above all others: they go behind U+E000 to U+FFFF. */
function rank(unit: number): number {
  if (unit < 0xd800) return unit
  return unit < 0xe000 ? unit + 0x2000 : unit - 0x800
}

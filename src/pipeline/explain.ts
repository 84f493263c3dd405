import type { Diagnostic, DiagnosticCode } from '../util/diagnostic.ts'
import { closest } from '../util/suggest.ts'
import { complaint, either, flow, guessed, hasType, show, wantedBy } from './explain-words.ts'
import {
  alternatives,
  blocksWith,
  choose,
  follow,
  keysOf,
  mapAlternatives,
  SCHEMA,
  words,
} from './schema.ts'
import type { Schema } from './schema.ts'
import type { ListNode, MapNode, Node, Path, ScalarNode } from './tree.ts'
import { diagnose, find, showPath } from './tree.ts'

/** A problem and the key it is about, so that checks past the schema leave that key alone. */
export interface Problem {
  readonly path: Path
  readonly diagnostic: Diagnostic
}

/**
 * What is wrong with the tree by the schema, in words for people. The verdict itself is the compiled validator's;
 * this walk looks only into the alternative of a union that was meant, and says what would be right there.
 */
export function explain(root: Node): Problem[] {
  const problems: Problem[] = []
  new Explainer(root, problems).node(SCHEMA, root, [])
  return problems
}

/** More words than this are a list to look up, not a hint. */
const MOST_WORDS = 16

class Explainer {
  readonly #root: Node
  readonly #problems: Problem[]

  constructor(root: Node, problems: Problem[]) {
    this.#root = root
    this.#problems = problems
  }

  node(schema: Schema, node: Node, path: Path): void {
    if (node.kind === 'map') this.#map(schema, node, path)
    else if (node.kind === 'list') this.#list(schema, node, path)
    else this.#scalar(schema, node, path)
  }

  #map(schema: Schema, node: MapNode, path: Path): void {
    const groups = mapAlternatives(schema)
    if (groups.size === 0) return this.#wrongType(schema, node, path)
    const chosen = choose(schema, node)
    if (!chosen) return this.#undecided(groups, schema, node, path)
    for (const key of chosen.required ?? []) {
      if (!node.entries.has(key)) this.#missing(key, chosen, node, path)
    }
    if (chosen.minProperties !== undefined && node.entries.size < chosen.minProperties) {
      this.#add('WRONG_VALUE', path, `${this.#name(path)} is empty`)
    }
    for (const [key, entry] of node.entries) {
      const inner = chosen.properties?.[key] ?? chosen.additionalProperties
      if (inner === false) this.#unknown(key, keysOf(schema, node), node, path)
      else if (inner) this.node(inner, entry.value, [...path, key])
    }
  }

  /** The map does not say which alternative it is: it has none, or several, of the keys that tell them apart. */
  #undecided(groups: Map<string, Schema[]>, schema: Schema, node: MapNode, path: Path): void {
    const telling = [...groups.keys()]
    const present = telling.filter((key) => node.entries.has(key))
    const name = this.#name(path)
    if (present.length > 1) {
      const both = present.map((key) => `"${key}"`).join(' and ')
      const hint =
        node.entries.get(present[0]!)?.value.from === 'extends'
          ? `take the one from the extended file out with \`${present[0]}: null\``
          : 'keep one of them'
      return this.#add(
        'CONFLICT',
        [...path, present[1]!],
        `${name} has ${both}, which exclude each other`,
        hint,
      )
    }
    const [tag] = present
    if (tag !== undefined) {
      const values = groups.get(tag)!.flatMap((a) => words(a.properties![tag]!))
      return this.#oneOf(values, node.entries.get(tag)!.value, [...path, tag])
    }
    const keys = keysOf(schema)
    const unknown = [...node.entries.keys()].filter((key) => !keys.includes(key))
    if (unknown.length > 0) {
      for (const key of unknown) this.#unknown(key, telling, node, path)
      return
    }
    const needs =
      telling.length === 1 ? `the key "${telling[0]}"` : `one of the keys ${telling.join(', ')}`
    this.#add('MISSING_KEY', path, `${name} needs ${needs}`)
  }

  #missing(key: string, schema: Schema, node: MapNode, path: Path): void {
    // A misspelt key is told as an unknown key; saying that the right one is missing too would be noise.
    const strangers = [...node.entries.keys()].filter((k) => !keysOf(schema).includes(k))
    if (strangers.some((k) => closest(k, [key]) !== undefined)) return
    const example = schema.properties?.[key]
    const sample = example && (alternatives(example)[0]?.examples ?? example.examples)
    const where = path.length === 0 ? 'the file' : this.#name(path)
    const hint = sample?.[0] === undefined ? undefined : `for instance ${key}: ${flow(sample[0])}`
    this.#add('MISSING_KEY', [...path, key], `${where} needs the key "${key}"`, hint)
  }

  #unknown(key: string, known: readonly string[], node: MapNode, path: Path): void {
    const where = path.length === 0 ? '' : ` in ${this.#name(path)}`
    const guess = guessed(
      key,
      known.filter((k) => !node.entries.has(k)),
    )
    const blocks = guess ? [] : blocksWith(key).filter((block) => block !== path[0])
    const hint =
      blocks.length > 0
        ? `"${key}" stands under ${blocks.map((b) => `"${b}"`).join(', ')}`
        : path.length > 0 && known.length > 0 && !guess
          ? `${this.#name(path)} takes ${known.join(', ')}`
          : undefined
    this.#add('UNKNOWN_KEY', [...path, key], `unknown key "${key}"${where}${guess}`, hint, true)
  }

  #list(schema: Schema, node: ListNode, path: Path): void {
    const list = alternatives(schema).find((a) => a.type === 'array')
    if (!list) return this.#wrongType(schema, node, path)
    const { minItems = 0, maxItems = Infinity } = list
    if (node.items.length < minItems || node.items.length > maxItems) {
      const count =
        minItems === maxItems
          ? `${minItems}`
          : node.items.length < minItems
            ? `at least ${minItems}`
            : `at most ${maxItems}`
      const what = `${this.#name(path)} needs ${count} ${count.endsWith(' 1') ? 'value' : 'values'}`
      this.#add('WRONG_VALUE', path, `${what}, got ${node.items.length}`)
    }
    const seen = new Set<unknown>()
    for (const [i, item] of node.items.entries()) {
      if (list.items) this.node(list.items, item, [...path, i])
      if (list.uniqueItems && item.kind === 'scalar') {
        if (seen.has(item.value))
          this.#add('WRONG_VALUE', [...path, i], `${this.#name(path)} has "${item.value}" twice`)
        seen.add(item.value)
      }
    }
  }

  #scalar(schema: Schema, node: ScalarNode, path: Path): void {
    const fitting = alternatives(schema).filter((a) => hasType(a, node.value))
    if (fitting.length === 0) return this.#wrongType(schema, node, path)
    const complaints = fitting.map((a) => complaint(a, node.value))
    if (complaints.includes(undefined)) return
    const allowed = words(schema)
    if (typeof node.value === 'string' && allowed.length > 0) {
      return this.#oneOf(allowed, node, path, schema)
    }
    this.#add('WRONG_VALUE', path, `${this.#name(path)} ${complaints[0]!}, got ${show(node)}`)
  }

  /** A word that is none of those allowed. */
  #oneOf(allowed: readonly string[], node: Node, path: Path, schema?: Schema): void {
    if (node.kind !== 'scalar') {
      return this.#add('WRONG_TYPE', path, `${this.#name(path)} must be a word, got ${show(node)}`)
    }
    const word = String(node.value)
    if (schema && mapAlternatives(schema).has(word)) {
      return this.#add('WRONG_VALUE', path, `${word} needs settings`, `write ${word}: {...}`)
    }
    const guess = guessed(word, allowed)
    const isLong = allowed.length > MOST_WORDS
    if (!guess && !isLong) {
      const wanted = schema ? wantedBy(schema) : either(allowed)
      return this.#add(
        'WRONG_VALUE',
        path,
        `${this.#name(path)} must be ${wanted}, got ${show(node)}`,
      )
    }
    const list = allowed.slice(0, MOST_WORDS).join(', ')
    const hint = `one of ${list}${isLong ? ` and ${allowed.length - MOST_WORDS} more` : ''}`
    const message = `${this.#name(path)} has no "${word}"${guess}`
    this.#add(
      'WRONG_VALUE',
      path,
      message,
      allowed.length > 1 && !(guess && isLong) ? hint : undefined,
    )
  }

  #wrongType(schema: Schema, node: Node, path: Path): void {
    const isText = alternatives(schema).some(
      (a) => a.type === 'string' && !words(a).length && a.title !== 'Fraction',
    )
    const quote = isText && node.kind === 'scalar' && node.value !== null
    const example = follow(schema).examples?.[0]
    const sample = example !== undefined && typeof path.at(-1) === 'string'
    const hint = quote
      ? `write it in quotes: "${node.value}"`
      : sample && typeof example === 'object'
        ? `for instance ${path.at(-1)}: ${flow(example)}`
        : undefined
    const message = `${this.#name(path)} must be ${wantedBy(schema)}, got ${show(node)}`
    this.#add('WRONG_TYPE', path, message, hint)
  }

  /** The key as the file has it: a short form's hidden key is called by its parent's name. */
  #name(path: Path): string {
    if (path.length === 0) return 'the file'
    return showPath(find(this.#root, path)?.short ? path.slice(0, -1) : path)
  }

  #add(code: DiagnosticCode, path: Path, message: string, hint?: string, atKey = false): void {
    const holder = atKey ? find(this.#root, path.slice(0, -1)) : undefined
    const keyAt =
      holder?.kind === 'map' ? holder.entries.get(String(path.at(-1)))?.keyAt : undefined
    const diagnostic = diagnose(this.#root, path, { code, message, hint, at: keyAt })
    this.#problems.push({ path, diagnostic })
  }
}

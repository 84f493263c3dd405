import { isAlias, isMap, isScalar, isSeq, LineCounter, parseDocument } from 'yaml'
import type { Alias, Node as YamlNode, Pair, Scalar, YAMLMap } from 'yaml'
import type { Diagnostic, Position } from '../util/diagnostic.ts'
import { PipelineError } from '../util/diagnostic.ts'
import type { Entry, From, MapNode, Node, ScalarNode } from './tree.ts'

/** Deeper than any real file; keeps every later walk off the end of the stack. */
const MAX_DEPTH = 100
/** Values after aliases are written out; a bomb of nine levels would have 10^9. */
const MAX_VALUES = 100_000
const TOO_DEEP = `nested deeper than ${MAX_DEPTH} levels`
const FORBIDDEN = new Set(['__proto__', 'constructor', 'prototype'])

/**
 * YAML 1.2 text as a tree with places. Values behind an alias or a merge key keep the place where they are written.
 * Throws YAML_SYNTAX with everything that the parser found, and UNKNOWN_KEY for keys that name a prototype.
 */
export function parse(text: string, file: string): MapNode {
  const lines = new LineCounter()
  const { contents, errors } = parseYaml(text, lines)
  const at = (offset: number): Position => {
    const { line, col } = lines.linePos(offset)
    return { file, line: Math.max(1, line), col: Math.max(1, col) }
  }
  if (errors.length > 0) {
    throw new PipelineError(
      errors.map(({ message, offset }) => ({ code: 'YAML_SYNTAX', message, at: at(offset) })),
    )
  }
  const reader = new Reader(at, 'file')
  const node = contents ? reader.read(contents, 0) : undefined
  if (reader.problems.length > 0) throw new PipelineError(reader.problems)
  if (node === undefined || (node.kind === 'scalar' && node.value === null)) {
    return { kind: 'map', from: 'file', at: { file, line: 1, col: 1 }, entries: new Map() }
  }
  if (node.kind !== 'map') {
    const message = `a pipeline file is a map of keys, got ${node.kind === 'list' ? 'a list' : 'one value'}`
    throw new PipelineError([{ code: 'WRONG_TYPE', message, at: node.at }])
  }
  return node
}

/** The value of one `--set` argument, parsed as YAML. Throws PipelineError as `parse`. */
export function parseValue(text: string, argument: string): Node {
  const { contents, errors } = parseYaml(text, new LineCounter())
  const bad = (message: string): PipelineError =>
    new PipelineError([{ code: 'BAD_OVERRIDE', message: `${argument}: ${message}` }])
  if (errors[0]) throw bad(errors[0].message)
  const reader = new Reader(() => undefined, 'set', argument)
  const node = contents ? reader.read(contents, 0) : undefined
  const [problem] = reader.problems
  if (problem) throw bad(problem.message)
  return node ?? { kind: 'scalar', from: 'set', argument, value: null }
}

interface Parsed {
  readonly contents: YamlNode | null
  readonly errors: readonly { readonly message: string; readonly offset: number }[]
}

function parseYaml(text: string, lineCounter: LineCounter): Parsed {
  const deep = (): Parsed => ({
    contents: null,
    errors: [{ message: TOO_DEEP, offset: deepPlace(text) }],
  })
  try {
    const document = parseDocument(text, { lineCounter, prettyErrors: false })
    // A tag that YAML's core schema does not have is only a warning there.
    const errors = [...document.errors, ...document.warnings]
    // The parser recurses too; how deep it gets depends on the machine, what is said about it should not.
    if (errors.some((e) => /call stack/i.test(e.message))) return deep()
    return {
      contents: document.contents,
      errors: errors.map((e) => ({ message: sentence(e.message), offset: e.pos[0] })),
    }
  } catch (error) {
    if (error instanceof RangeError) return deep()
    throw error
  }
}

/** Where brackets first stand deeper than allowed; the beginning where it is no matter of brackets. */
function deepPlace(text: string): number {
  let depth = 0
  for (let i = 0; i < text.length; i += 1) {
    if (text[i] === '[' || text[i] === '{') depth += 1
    else if (text[i] === ']' || text[i] === '}') depth -= 1
    if (depth > MAX_DEPTH) return i
  }
  return 0
}

/** What an anchor stands for; undefined while its own content is still being read. */
interface Anchored {
  readonly node: Node
  readonly values: number
  readonly height: number
}

/** Turns the parser's nodes into ours, in the order of the file. An anchor is read once and counted at every use. */
class Reader {
  readonly problems: Diagnostic[] = []
  readonly #anchors = new Map<string, Anchored | undefined>()
  readonly #at: (offset: number) => Position | undefined
  readonly #from: From
  readonly #argument: string | undefined
  #values = 0
  #deepest = 0

  constructor(at: (offset: number) => Position | undefined, from: From, argument?: string) {
    this.#at = at
    this.#from = from
    this.#argument = argument
  }

  read(node: YamlNode, depth: number): Node | undefined {
    if (!this.#fits(node, 1, depth)) return undefined
    if (isAlias(node)) return this.#alias(node, depth)
    const anchor = 'anchor' in node ? node.anchor : undefined
    if (!anchor) return this.#content(node, depth)
    this.#anchors.set(anchor, undefined)
    const before = this.#values
    const outside = this.#deepest
    this.#deepest = depth
    const result = this.#content(node, depth)
    const height = this.#deepest - depth
    this.#deepest = Math.max(outside, this.#deepest)
    if (result) this.#anchors.set(anchor, { node: result, values: this.#values - before, height })
    return result
  }

  /** Counts values and levels; false (and a problem, once) when there are more than any real file has. */
  #fits(node: YamlNode, values: number, depth: number): boolean {
    if (this.#values > MAX_VALUES) return false
    this.#values += values
    this.#deepest = Math.max(this.#deepest, depth)
    if (this.#values > MAX_VALUES) {
      this.#refuse(`aliases write the file out to more than ${MAX_VALUES} values`, node)
    } else if (depth > MAX_DEPTH) {
      this.#refuse(TOO_DEEP, node)
    } else return true
    this.#values = Infinity
    return false
  }

  #content(node: YamlNode, depth: number): Node | undefined {
    const place = { at: this.#at(node.range?.[0] ?? 0), from: this.#from, argument: this.#argument }
    if (isScalar(node)) return { kind: 'scalar', ...place, value: this.#scalar(node) }
    if (isSeq(node)) {
      const items = node.items.map((item) => this.read(item as YamlNode, depth + 1))
      return { kind: 'list', ...place, items: items.filter((item) => item !== undefined) }
    }
    if (isMap(node)) return { kind: 'map', ...place, entries: this.#entries(node, depth) }
    return undefined
  }

  #scalar(node: Scalar): ScalarNode['value'] {
    const { value } = node
    if (typeof value === 'bigint') return Number(value)
    if (value === null || ['string', 'number', 'boolean'].includes(typeof value))
      return value as ScalarNode['value']
    return String(node.source ?? value)
  }

  #alias(alias: Alias, depth: number): Node | undefined {
    const name = alias.source
    if (!this.#anchors.has(name))
      return this.#refuse(`no anchor "${name}" stands before this alias`, alias)
    const known = this.#anchors.get(name)
    if (!known) return this.#refuse(`the alias "${name}" stands inside its own anchor`, alias)
    return this.#fits(alias, known.values, depth + known.height) ? known.node : undefined
  }

  #entries(map: YAMLMap, depth: number): Map<string, Entry> {
    const own = new Map<string, Entry>()
    const merged = new Map<string, Entry>()
    for (const pair of map.items as Pair<YamlNode, YamlNode | null>[]) {
      const key = isScalar(pair.key) ? String(pair.key.source ?? pair.key.value) : undefined
      if (key === undefined) {
        this.#refuse('a key must be one word, not a list, a map or an alias', pair.key)
      } else if (isMerge(pair.key)) {
        for (const [name, entry] of this.#merge(pair.value, depth)) {
          // Earlier maps of a list come first, as YAML's merge key type says.
          if (!merged.has(name)) merged.set(name, entry)
        }
      } else if (FORBIDDEN.has(key)) {
        const at = this.#at(pair.key.range?.[0] ?? 0)
        this.problems.push({
          code: 'UNKNOWN_KEY',
          message: `the key "${key}" is not allowed anywhere`,
          at,
        })
      } else {
        const value = pair.value ? this.read(pair.value, depth + 1) : undefined
        const keyAt = this.#at(pair.key.range?.[0] ?? 0)
        own.set(key, {
          keyAt,
          value: value ?? { kind: 'scalar', from: this.#from, at: keyAt, value: null },
        })
      }
    }
    return new Map([...merged, ...own])
  }

  #merge(value: YamlNode | null, depth: number): Iterable<[string, Entry]> {
    const node = value ? this.read(value, depth + 1) : undefined
    if (node?.kind === 'map') return node.entries
    if (node?.kind === 'list' && node.items.every((item) => item.kind === 'map')) {
      return node.items.flatMap((item) => (item.kind === 'map' ? [...item.entries] : []))
    }
    if (node || this.problems.length === 0)
      this.#refuse('"<<" merges a map or a list of maps', value)
    return []
  }

  #refuse(message: string, node: YamlNode | null): undefined {
    const at = this.#at(node?.range?.[0] ?? 0)
    this.problems.push({ code: 'YAML_SYNTAX', message, at })
    return undefined
  }
}

/** Only a plain `<<` merges; a quoted one is a key like any other. */
function isMerge(key: YamlNode): boolean {
  return isScalar(key) && key.type === 'PLAIN' && key.source === '<<'
}

/** The parser's messages as ours: small first letter, no stop at the end. */
function sentence(message: string): string {
  const line = message.split('\n')[0]!.replace(/\.$/, '').trim()
  return /^[A-Z][a-z]/.test(line) ? line[0]!.toLowerCase() + line.slice(1) : line
}

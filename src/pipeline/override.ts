import type { Diagnostic } from '../util/diagnostic.ts'
import { PipelineError } from '../util/diagnostic.ts'
import { didYouMean } from '../util/suggest.ts'
import { parseValue } from './parse.ts'
import { alternatives, blocksWith, choose, follow, keysOf, SCHEMA, schemaAt } from './schema.ts'
import type { Node, Path } from './tree.ts'
import { find, fromData, replace, showPath } from './tree.ts'
import { expandVariables } from './variables.ts'

/** One `--set` argument, read. */
interface Override {
  /** As a person typed it: `--set training.epochs=3`. */
  readonly argument: string
  readonly path: Path
  /** Adds a key that the schema cannot know (the weight of a class). */
  readonly add: boolean
  /** Undefined deletes. */
  readonly value: Node | undefined
}

/**
 * Lays `--set` arguments over the tree, in their order: `a.b=v` sets a key that the file may have, `+a.b=v` adds one
 * whose name is free, `~a.b` deletes. Values are YAML. Errors (BAD_OVERRIDE) name the argument.
 */
export function override(
  root: Node,
  sets: readonly string[],
  report: (diagnostic: Diagnostic) => void,
  prepare: (root: Node) => Node,
  env: NodeJS.ProcessEnv,
): Node {
  let tree = root
  for (const set of sets) {
    try {
      // Short forms are written out each time, so that `--set optimizer.learningRate` works on `optimizer: Adam`.
      const change = read(set, env, report)
      tree = apply(withDefaults(prepare(tree), change, prepare), change)
    } catch (error) {
      if (!(error instanceof PipelineError)) throw error
      error.diagnostics.forEach(report)
    }
  }
  return prepare(tree)
}

/**
 * The tree with one value of a sweep in it, as `--set` lays one. Throws BAD_OVERRIDE where the file cannot have the key; messages
 * begin with the value's `argument`.
 */
export function layOver(root: Node, path: Path, value: Node, prepare: (root: Node) => Node): Node {
  const override = { argument: value.argument ?? 'sweep', path, add: true, value }
  return apply(withDefaults(root, override, prepare), override)
}

const FORBIDDEN = new Set(['__proto__', 'constructor', 'prototype'])

function read(
  set: string,
  env: NodeJS.ProcessEnv,
  report: (diagnostic: Diagnostic) => void,
): Override {
  const argument = `--set ${set}`
  const mark = /^[+~]/.exec(set)?.[0]
  const rest = mark ? set.slice(1) : set
  const equals = rest.indexOf('=')
  const key = (equals < 0 ? rest : rest.slice(0, equals)).trim()
  const path = key
    .split('.')
    .map((step) => (/^(0|[1-9][0-9]{0,5})$/.test(step) ? Number(step) : step))
  if (key === '' || path.some((step) => step === ''))
    throw bad(argument, 'no key', 'write --set a.b=value')
  const forbidden = path.find((step) => FORBIDDEN.has(String(step)))
  if (forbidden !== undefined) throw bad(argument, `the key "${forbidden}" is not allowed anywhere`)
  if (mark === '~') {
    if (equals >= 0) throw bad(argument, '~ deletes and takes no value', `write --set "~${key}"`)
    return { argument, path, add: false, value: undefined }
  }
  if (equals < 0)
    throw bad(argument, 'no value', `write --set ${rest}=value, or --set "~${rest}" to delete`)
  const value = expandVariables(parseValue(rest.slice(equals + 1), argument), env, report)
  const nothing = value.kind === 'scalar' && value.value === null
  if (nothing && rest.slice(equals + 1).trim() === '') {
    throw bad(argument, 'no value', `write a value, or --set "~${key}" to delete`)
  }
  return { argument, path, add: mark === '+', value: nothing ? undefined : value }
}

function apply(root: Node, override: Override): Node {
  const { argument, path, add, value } = override
  if (value === undefined) {
    if (find(root, path)) return replace(root, path, undefined)
    throw bad(argument, `the file has no ${showPath(path)}`, known(root, path))
  }
  const parent = path.slice(0, -1)
  for (const length of parent.keys()) {
    const above = path.slice(0, length + 1)
    if (find(root, above)?.kind === 'scalar')
      throw bad(argument, `${showPath(above)} is one value, without keys`)
  }
  const holder = find(root, parent)
  if (holder?.kind === 'list') checkPlace(holder.items.length, override)
  const target = replace(withList(root, path, value), path, value)
  if (add || find(root, path)) return target
  if (isFree(target, parent)) {
    const hint = `to add it, write --set +${argument.slice('--set '.length)}`
    throw bad(argument, `${showPath(parent)} has no ${String(path.at(-1))}`, hint)
  }
  // A name that the schema knows needs no `+`, whether the file has the key or a default stands there.
  if (schemaAt(target, path)) return target
  throw bad(argument, `unknown key "${showPath(path)}"`, known(target, path))
}

/** Blocks on the way that the file leaves to their default: `--set optimizer.momentum` needs the optimizer's name. */
function withDefaults(root: Node, { path, value }: Override, prepare: (root: Node) => Node): Node {
  let tree = root
  for (const length of path.slice(1).keys()) {
    const above = path.slice(0, length + 1)
    if (!value || find(tree, above)) continue
    const schema = schemaAt(replace(tree, path, value), above)
    const initial = schema && (schema.default ?? follow(schema).default)
    if (initial === undefined || Array.isArray(initial)) continue
    tree = prepare(replace(tree, above, fromData(initial, 'default')))
  }
  return tree
}

/** A list where one is begun: `+tags.0=x` on a file without tags. */
function withList(root: Node, path: Path, { argument }: Node): Node {
  const parent = path.slice(0, -1)
  if (typeof path.at(-1) !== 'number' || find(root, parent)) return root
  const empty: Node = { kind: 'list', from: 'set', argument, items: [] }
  const started = replace(root, parent, empty)
  const schema = schemaAt(started, parent)
  return schema && alternatives(schema).some((a) => a.type === 'array') ? started : root
}

function checkPlace(length: number, { argument, path, add }: Override): void {
  const index = Number(path.at(-1))
  if (Number.isInteger(index) && index < length + (add ? 1 : 0)) return
  const list = path.slice(0, -1)
  const hint = add ? undefined : `to append, write --set +${list.join('.')}.${length}=...`
  throw bad(argument, `${showPath(list)} has ${length} values, counted from 0`, hint)
}

/** Class weights and the like: keys that the schema cannot know. */
function isFree(root: Node, path: Path): boolean {
  const schema = schemaAt(root, path)
  const node = find(root, path)
  const chosen = schema && node && choose(schema, node)
  return typeof chosen?.additionalProperties === 'object'
}

/** A hint for a key that is not there: the nearest one in its map, or the block that it belongs to. */
function known(root: Node, path: Path): string | undefined {
  const depth = path.findIndex((_, i) => !schemaAt(root, path.slice(0, i + 1)))
  const step = String(path[Math.max(0, depth)])
  const parent = path.slice(0, Math.max(0, depth))
  const schema = schemaAt(root, parent) ?? SCHEMA
  const keys = keysOf(schema, find(root, parent))
  const guess = didYouMean(step, keys)
  if (guess !== undefined && !guess.includes(`"${step}"`)) return guess
  const blocks = blocksWith(step).filter((block) => block !== path[0])
  if (blocks.length > 0) return `"${step}" stands under ${blocks.map((b) => `"${b}"`).join(', ')}`
  return parent.length > 0 && keys.length > 0
    ? `${showPath(parent)} takes ${keys.join(', ')}`
    : undefined
}

function bad(argument: string, message: string, hint?: string): PipelineError {
  return new PipelineError([{ code: 'BAD_OVERRIDE', message: `${argument}: ${message}`, hint }])
}

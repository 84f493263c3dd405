import type { Json, JsonObject } from '../util/json.ts'
import { canonicalJson } from '../util/json.ts'
import { fingerprintOf } from './fingerprint.ts'
import type { Result } from './results.ts'
import type { FingerprintDocument, Stage } from './stage.ts'
import type { Store } from './store.ts'

/** One component of a fingerprint that differs; an absent side is undefined. */
export interface Change {
  /** `params.batchSize`, `inputs.pixels`, `seed`, `version`, `params.layers[2].units`. */
  readonly path: string
  readonly old: Json | undefined
  readonly now: Json | undefined
}

export interface Explanation {
  readonly hit: boolean
  /** Against the most similar earlier document; empty for a hit, and when there is none. */
  readonly changes: readonly Change[]
  /** What the document was compared with; undefined: no stage of the kind was ever computed here. */
  readonly against?: Result | undefined
}

/**
 * Whether the store knows the document's result, and if not, what changed since the most similar one: of the
 * same stage id if there is one, else of the same kind; the fewest changes first, then the newest.
 */
export function explain(stage: Stage, document: FingerprintDocument, store: Store): Explanation {
  const known = store.find(stage.kind, fingerprintOf(document), () => undefined)
  if (known) return { hit: true, changes: [], against: known }
  const history = store.history(stage.kind)
  const own = history.filter((result) => result.stage === stage.id)
  let best: Explanation = { hit: false, changes: [] }
  for (const against of own.length > 0 ? own : history) {
    const changes = changesBetween(against.document, document)
    if (best.against && changes.length >= best.changes.length) continue
    best = { hit: false, changes, against }
  }
  return best
}

/** The leaves that differ, by path. */
export function changesBetween(old: FingerprintDocument, now: FingerprintDocument): Change[] {
  const before = leaves(old as unknown as JsonObject)
  const after = leaves(now as unknown as JsonObject)
  return [...new Set([...before.keys(), ...after.keys()])]
    .map((path) => ({ path, old: before.get(path), now: after.get(path) }))
    .filter((change) => text(change.old) !== text(change.now))
}

/** One line for a person: `params.batchSize 16 -> 32, input pixels changed`. */
export function explanationText(explanation: Explanation): string {
  if (explanation.hit) return 'unchanged'
  if (!explanation.against) return 'never computed here'
  return changesText(explanation.changes)
}

/** The first three of them in words. */
export function changesText(changes: readonly Change[]): string {
  const shown = changes.slice(0, 3).map(changeText)
  const more = changes.length - shown.length
  return more > 0 ? `${shown.join(', ')} and ${more} more` : shown.join(', ')
}

function changeText(change: Change): string {
  const input = /^inputs\.(.+)$/.exec(change.path)?.[1]
  if (input !== undefined) {
    if (change.old === undefined) return `input ${input} is new`
    return change.now === undefined ? `input ${input} is gone` : `input ${input} changed`
  }
  if (change.path === 'version') return 'this version of graft computes it differently'
  return `${change.path} ${text(change.old)} -> ${text(change.now)}`
}

function text(value: Json | undefined): string {
  return value === undefined ? '(none)' : canonicalJson(value)
}

function leaves(value: JsonObject): Map<string, Json> {
  const found = new Map<string, Json>()
  const walk = (path: string, node: Json | undefined): void => {
    if (node === undefined) return
    const isList = Array.isArray(node)
    if (node === null || typeof node !== 'object' || Object.keys(node).length === 0) {
      found.set(path, node)
    } else {
      for (const [key, member] of Object.entries(node as JsonObject)) {
        walk(isList ? `${path}[${key}]` : path === '' ? key : `${path}.${key}`, member)
      }
    }
  }
  walk('', value)
  return found
}

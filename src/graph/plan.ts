import type { Digest } from '../util/digest.ts'
import type { JsonObject } from '../util/json.ts'
import { digestOfPart, documentOf, fingerprintOf } from './fingerprint.ts'
import { orderStages, wantedNodes, type Node } from './order.ts'
import type { Result, Warn } from './results.ts'
import type { Artifact, Estimate, FingerprintDocument, Stage, StageKind } from './stage.ts'
import type { Store } from './store.ts'
import { explain, explanationText, type Change } from './why.ts'

export interface PlannedStage {
  readonly stage: Stage
  /**
   * `cached`: its result is known and it will not run. `unknown`: a stage before it runs; with an equal output it
   * may turn out to be cached.
   */
  readonly state: 'cached' | 'run' | 'unknown'
  readonly fingerprint?: Digest | undefined
  readonly document?: FingerprintDocument | undefined
  readonly digest?: Digest | undefined
  /** Of the artifact, also when that is evicted. */
  readonly bytes?: number | undefined
  /** Where it is there already; not checked. */
  readonly artifact?: Artifact | undefined
  /** What the stage remembered with its result. */
  readonly facts?: JsonObject | undefined
  /** One line for a person. */
  readonly why: string
  /** For a stage that runs: what changed against the most similar earlier one. */
  readonly changes: readonly Change[]
  /** For a stage that runs or may run. */
  readonly estimate?: Estimate | undefined
}

export interface PlanOptions {
  readonly signal: AbortSignal
  /** Stage ids or kinds that are computed again. */
  readonly force?: readonly string[] | undefined
  readonly noCache?: boolean | undefined
  /** Stages whose artifacts will be read; default those that no other stage needs. */
  readonly want?: readonly string[] | undefined
  readonly warn?: Warn | undefined
}

/** What one node's own fingerprint says, before asking who needs its artifact. */
interface Draft {
  readonly node: Node
  readonly fingerprint?: Digest
  readonly document?: FingerprintDocument
  readonly result?: Result
  readonly artifact?: Artifact
  state: PlannedStage['state']
  why: string
  changes: readonly Change[]
}

/**
 * What `execute` would do, in an order in which it can be done. A chain is followed through the results alone:
 * evicted artifacts are planned again only where a stage that runs needs them.
 */
export async function planStages(
  stages: readonly Stage[],
  kinds: Readonly<Record<string, StageKind>>,
  store: Store,
  options: PlanOptions,
): Promise<PlannedStage[]> {
  const nodes = orderStages(stages, kinds)
  const drafts = new Map<Node, Draft>()
  for (const node of nodes) drafts.set(node, await draftOf(node, drafts, store, options))
  for (const node of wantedNodes(nodes, options.want)) demand(node, drafts, 'the run')
  for (const node of nodes.toReversed()) {
    const draft = drafts.get(node)!
    if (draft.state === 'cached') continue
    for (const [, need] of node.needs) demand(need, drafts, node.stage.id, draft.state)
  }
  return await Promise.all(nodes.map((node) => planned(node, drafts)))
}

async function draftOf(
  node: Node,
  drafts: ReadonlyMap<Node, Draft>,
  store: Store,
  options: PlanOptions,
): Promise<Draft> {
  const { stage, kind } = node
  options.signal.throwIfAborted()
  const open = node.needs.find(([, need]) => drafts.get(need)!.result === undefined)
  if (open) {
    const why = `depends on ${open[1].stage.id}`
    return { node, state: isForced(stage, options) ? 'run' : 'unknown', why, changes: [] }
  }
  const inputs = Object.fromEntries(
    node.needs.map(([name, need, part]) => [name, digestOfPart(drafts.get(need)!.result!, part)]),
  )
  const source = await kind.probe?.(stage, {
    state: store.state(stage.kind),
    signal: options.signal,
  })
  const document = documentOf(stage, kind, inputs, source)
  const fingerprint = fingerprintOf(document)
  const base = { node, fingerprint, document }
  if (isForced(stage, options)) return { ...base, state: 'run', why: 'forced', changes: [] }
  const warn = options.warn ?? (() => undefined)
  const result = store.find(stage.kind, fingerprint, warn)
  if (!result) {
    const explanation = explain(stage, document, store)
    const { changes } = explanation
    return { ...base, state: 'run', why: explanationText(explanation), changes }
  }
  if (kind.accept && !(await kind.accept(stage, result.facts ?? {}))) {
    return { ...base, state: 'run', why: NOT_ACCEPTED, changes: [] }
  }
  const artifact = peek(store, result)
  return { ...base, result, state: 'cached', why: 'unchanged', changes: [], ...artifact }
}

/** Why a stage runs whose result is there, but not what its kind accepts. */
export const NOT_ACCEPTED = 'its earlier output is no longer accepted'

export function isForced(
  stage: Stage,
  options: { force?: readonly string[] | undefined; noCache?: boolean | undefined },
): boolean {
  const force = options.force ?? []
  return options.noCache === true || force.includes(stage.id) || force.includes(stage.kind)
}

function peek(store: Store, result: Result): { artifact?: Artifact } {
  const { fingerprint, digest, bytes } = result
  if (!store.exists(digest)) return {}
  return { artifact: { fingerprint, digest, bytes, path: store.pathOf(digest) } }
}

/** Somebody needs the artifact: where it was evicted, it is computed again, and what it needs must be there too. */
function demand(
  node: Node,
  drafts: ReadonlyMap<Node, Draft>,
  by: string,
  state: 'run' | 'unknown' | 'cached' = 'run',
): void {
  const draft = drafts.get(node)!
  if (draft.artifact || !draft.result) return
  if (draft.state === 'run' || (draft.state === 'unknown' && state !== 'run')) return
  draft.state = state
  draft.why = state === 'run' ? `evicted, and ${by} needs it` : `evicted, and needed if ${by} runs`
}

async function planned(node: Node, drafts: ReadonlyMap<Node, Draft>): Promise<PlannedStage> {
  const { fingerprint, document, result, artifact, state, why, changes } = drafts.get(node)!
  const inputs = Object.fromEntries(
    node.needs.map(([name, need]) => [name, drafts.get(need)!.artifact]),
  )
  const estimate = state === 'cached' ? undefined : await node.kind.estimate?.(node.stage, inputs)
  const { digest, bytes, facts } = result ?? {}
  return {
    stage: node.stage,
    state,
    fingerprint,
    document,
    digest,
    bytes,
    facts,
    artifact,
    why,
    changes,
    estimate,
  }
}

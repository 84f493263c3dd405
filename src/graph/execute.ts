import pLimit, { type LimitFunction } from 'p-limit'
import { setTimeout as sleep } from 'node:timers/promises'
import { PipelineError } from '../util/diagnostic.ts'
import type { Digest } from '../util/digest.ts'
import { asStageError, computeStage, isStop } from './compute.ts'
import type { Event } from './event.ts'
import { digestOfPart, documentOf, fingerprintOf } from './fingerprint.ts'
import { hexOf } from './layout.ts'
import { orderStages, wantedNodes, type Node } from './order.ts'
import type { Owner } from './owner.ts'
import { isForced, NOT_ACCEPTED } from './plan.ts'
import type { Result, Warn } from './results.ts'
import type { Artifact, FingerprintDocument, Stage, StageKind } from './stage.ts'
import type { Store } from './store.ts'
import { explain, explanationText } from './why.ts'

export interface ExecuteOptions {
  /** How many stages may run side by side. */
  readonly jobs: number
  /** Aborted: running stages are told, and `signal.reason` is thrown when they have stopped. */
  readonly signal: AbortSignal
  readonly emit: (event: Event) => void
  /** Stage ids or kinds to compute again, their unfinished work included; their results are replaced. */
  readonly force?: readonly string[] | undefined
  /** Force every stage. */
  readonly noCache?: boolean | undefined
  /** What has to run begins from nothing: its unfinished work is dropped. */
  readonly restart?: boolean | undefined
  /** Stages whose artifacts the caller reads; default those that no other stage needs. */
  readonly want?: readonly string[] | undefined
}

/** What a fingerprint is known to come to. */
interface Known {
  readonly fingerprint: Digest
  readonly digest: Digest
  readonly parts?: Readonly<Record<string, Digest>> | undefined
  readonly bytes: number
}

/**
 * Runs what must be run, side by side where it can, each stage as soon as its needs are there. Returns the
 * artifacts, whole and checked, of the wanted stages and of all that were read or computed on the way: a stage
 * that is cached and that nobody reads is not in it (its `stageDone` event has fingerprint and digest).
 *
 * The first failure stops the others between batches; everything finished stays in the store.
 * @throws PipelineError with the diagnostics of all failed stages; `signal.reason` when interrupted
 */
export async function execute(
  stages: readonly Stage[],
  kinds: Readonly<Record<string, StageKind>>,
  store: Store,
  options: ExecuteOptions,
): Promise<Map<string, Artifact>> {
  const nodes = orderStages(stages, kinds)
  const wanted = wantedNodes(nodes, options.want)
  options.emit({
    type: 'planStarted',
    stages: nodes.map(({ stage: s }) => ({ id: s.id, kind: s.kind })),
  })
  const execution = new Execution(store, options)
  try {
    return await execution.run(nodes, wanted)
  } finally {
    if (execution.published) await trim(store, options.emit)
  }
}

/** The state of one `execute`: what it holds, what it said, what failed. */
class Execution {
  published = false
  readonly #store: Store
  readonly #options: ExecuteOptions
  readonly #limit: LimitFunction
  readonly #exclusive = new Map<string, LimitFunction>()
  /** Tells the other stages to stop after a failure. */
  readonly #stop = new AbortController()
  readonly #signal: AbortSignal
  /** By fingerprint: opened or computed here, and never looked up or computed again. */
  readonly #held = new Map<Digest, Artifact>()
  readonly #announced = new Map<Node, string>()
  readonly #failures: PipelineError[] = []
  readonly #running = new Set<Promise<unknown>>()
  readonly #probes = new Map<Node, Promise<Digest>>()

  constructor(store: Store, options: ExecuteOptions) {
    this.#store = store
    this.#options = options
    this.#limit = pLimit(Math.max(1, options.jobs))
    this.#signal = AbortSignal.any([options.signal, this.#stop.signal])
  }

  async run(nodes: readonly Node[], wanted: readonly Node[]): Promise<Map<string, Artifact>> {
    for (;;) {
      const pass = newPass()
      const known = nodes.map((node) => this.#known(pass, node))
      const artifacts = wanted.map((node) => this.#artifact(pass, node))
      await Promise.allSettled([...known, ...artifacts])
      while (this.#running.size > 0) await Promise.allSettled(this.#running)
      this.#throwWhatFailed()
      const results = await Promise.all(known)
      await Promise.all(artifacts)
      if (pass.stale) continue
      nodes.forEach((node, i) => this.#announceCached(node, results[i]!, 0))
      return new Map(
        nodes.flatMap((node, i) => {
          const artifact = this.#held.get(results[i]!.fingerprint)
          return artifact ? [[node.stage.id, artifact] as const] : []
        }),
      )
    }
  }

  /** Fingerprint and content digest of the stage, by its result where there is one, else by computing it. */
  #known(pass: Pass, node: Node): Promise<Known> {
    return once(pass.known, node, () =>
      this.#guard(node, async () => {
        const inputs = await Promise.all(
          node.needs.map(async ([name, need]) => [name, await this.#known(pass, need)] as const),
        )
        this.#signal.throwIfAborted()
        const began = performance.now()
        const { fingerprint } = await this.#document(node, inputs)
        const held = this.#held.get(fingerprint)
        if (held) return held
        const result = this.#isForced(node) ? undefined : await this.#find(node, fingerprint)
        if (!result) return await this.#computed(pass, node)
        if (this.#store.has(result.digest)) this.#announceCached(node, result, began)
        return result
      }),
    )
  }

  /** The stage's artifact, computed if it is not in the store (evicted) or damaged. */
  #artifact(pass: Pass, node: Node): Promise<Artifact> {
    return once(pass.artifacts, node, () =>
      this.#guard(node, async () => {
        const known = await this.#known(pass, node)
        const artifact =
          this.#held.get(known.fingerprint) ??
          (await this.#open(node, known)) ??
          (await this.#computed(pass, node))
        // Others may have been resolved by what the result said before: look at them again.
        if (artifact.digest !== known.digest || artifact.fingerprint !== known.fingerprint) {
          pass.stale = true
        }
        return artifact
      }),
    )
  }

  #computed(pass: Pass, node: Node): Promise<Artifact> {
    return once(pass.computed, node, () => {
      const running = this.#guard(node, async () => {
        const inputs = await Promise.all(
          node.needs.map(async ([name, need]) => [name, await this.#artifact(pass, need)] as const),
        )
        return await this.#singleFlight(node, Object.fromEntries(inputs))
      })
      this.#running.add(running)
      void running.catch(() => undefined).then(() => this.#running.delete(running))
      return running
    })
  }

  /** Computes it, or waits for the process that does and takes its result. A waiting stage takes up no job. */
  async #singleFlight(node: Node, inputs: Readonly<Record<string, Artifact>>): Promise<Artifact> {
    const { document, fingerprint } = await this.#document(node, Object.entries(inputs))
    const attempt = async (): Promise<Artifact | Owner> => {
      this.#signal.throwIfAborted()
      const held = this.#held.get(fingerprint)
      if (held) return held
      const claim = this.#store.claims.tryRun(hexOf(fingerprint))
      if (!('release' in claim)) return claim
      try {
        return await this.#findOrCompute(node, document, fingerprint, inputs)
      } finally {
        claim.release()
      }
    }
    for (let tries = 0; ; tries += 1) {
      const outcome = await this.#alone(node, () => this.#limit(attempt))
      if ('digest' in outcome) return outcome
      // The first time it may be two that stepped back from each other.
      if (tries === 1) {
        this.#options.emit({ type: 'stageWaiting', stage: node.stage.id, pid: outcome.pid })
      }
      const pause = Math.min(500, 5 * 1.5 ** tries) * (0.5 + Math.random())
      await sleep(pause, undefined, { signal: this.#signal }).catch(() => undefined)
    }
  }

  /** After the others of its kind's `exclusive` word; while it waits for them it takes up no job. */
  #alone<T>({ kind }: Node, body: () => Promise<T>): Promise<T> {
    if (kind.exclusive === undefined) return body()
    const limit = this.#exclusive.get(kind.exclusive) ?? pLimit(1)
    this.#exclusive.set(kind.exclusive, limit)
    return limit(body)
  }

  async #findOrCompute(
    node: Node,
    document: FingerprintDocument,
    fingerprint: Digest,
    inputs: Readonly<Record<string, Artifact>>,
  ): Promise<Artifact> {
    const { stage } = node
    const forced = this.#isForced(node)
    const result = forced ? undefined : await this.#find(node, fingerprint)
    const found = result && (await this.#open(node, result))
    if (found) return found
    const { emit, restart } = this.#options
    const reason = forced
      ? 'forced'
      : result
        ? 'its output is no longer in the store'
        : this.#explain(stage, document)
    emit({ type: 'stageStarted', stage: stage.id, kind: stage.kind })
    const began = performance.now()
    const artifact = await computeStage(node, {
      store: this.#store,
      document,
      fingerprint,
      inputs,
      fresh: forced || restart === true,
      emit,
      warn: this.#warnOf(node),
      signal: this.#signal,
    })
    this.published = true
    this.#held.set(fingerprint, artifact)
    this.#announce(node, artifact, { cached: false, seconds: secondsSince(began), reason })
    return artifact
  }

  async #open(node: Node, known: Known): Promise<Artifact | undefined> {
    const began = performance.now()
    const { digest, fingerprint } = known
    const opened = await this.#store.open(digest, fingerprint, this.#warnOf(node))
    if (!opened) return undefined
    const artifact = { ...opened, parts: known.parts }
    this.#held.set(fingerprint, artifact)
    this.#announceCached(node, artifact, began)
    return artifact
  }

  async #document(node: Node, inputs: readonly (readonly [string, Omit<Known, 'fingerprint'>])[]) {
    const { stage, kind } = node
    const source = kind.probe && (await once(this.#probes, node, () => this.#probe(node)))
    const outputs = new Map(inputs)
    const digests = Object.fromEntries(
      node.needs.map(([name, , part]) => [name, digestOfPart(outputs.get(name)!, part)]),
    )
    const document = documentOf(stage, kind, digests, source)
    return { document, fingerprint: fingerprintOf(document) }
  }

  #probe({ stage, kind }: Node): Promise<Digest> {
    return kind.probe!(stage, { state: this.#store.state(stage.kind), signal: this.#signal })
  }

  async #find(node: Node, fingerprint: Digest): Promise<Result | undefined> {
    const { stage, kind } = node
    const result = this.#store.find(stage.kind, fingerprint, this.#warnOf(node))
    if (!result || !kind.accept) return result
    return (await kind.accept(stage, result.facts ?? {})) ? result : undefined
  }

  #explain(stage: Stage, document: FingerprintDocument): string {
    const explanation = explain(stage, document, this.#store)
    return explanation.hit ? NOT_ACCEPTED : explanationText(explanation)
  }

  #isForced(node: Node): boolean {
    return isForced(node.stage, this.#options)
  }

  #warnOf(node: Node): Warn {
    const { emit } = this.#options
    return (diagnostic) => emit({ type: 'warning', stage: node.stage.id, diagnostic })
  }

  #announceCached(node: Node, known: Known, began: number): void {
    if (this.#announced.has(node) && this.#announced.get(node) === known.digest) return
    const seconds = began === 0 ? 0 : secondsSince(began)
    this.#announce(node, known, { cached: true, seconds, reason: undefined })
  }

  #announce(
    node: Node,
    { fingerprint, digest, bytes }: Known,
    about: { cached: boolean; seconds: number; reason: string | undefined },
  ): void {
    this.#announced.set(node, digest)
    const stage = node.stage.id
    this.#options.emit({ type: 'stageDone', stage, bytes, fingerprint, digest, ...about })
  }

  /** Reports the first time an error is seen, on its own stage; those that need it only pass it on. */
  async #guard<T>(node: Node, body: () => Promise<T>): Promise<T> {
    try {
      return await body()
    } catch (error) {
      const isOld = this.#failures.includes(error as PipelineError)
      if (isOld || this.#options.signal.aborted || isStop(error, this.#signal)) throw error
      const failed = asStageError(node.stage, error, this.#store.root)
      this.#failures.push(failed)
      const { diagnostics } = failed
      this.#options.emit({ type: 'stageFailed', stage: node.stage.id, diagnostics })
      this.#stop.abort(new Error(`stopped because stage ${node.stage.id} failed`))
      throw failed
    }
  }

  #throwWhatFailed(): void {
    const [first, ...more] = this.#failures
    if (first && more.length === 0) throw first
    if (first) {
      throw new PipelineError(
        this.#failures.flatMap((failed) => failed.diagnostics),
        { cause: first },
      )
    }
    this.#options.signal.throwIfAborted()
  }
}

/**
 * One look at the whole graph. A pass is stale when a stage had to be computed again and came out differently
 * from what its result had said; the next pass then sees the new result. Since nothing is computed twice, there are
 * no more passes than stages.
 */
interface Pass {
  readonly known: Map<Node, Promise<Known>>
  readonly artifacts: Map<Node, Promise<Artifact>>
  readonly computed: Map<Node, Promise<Artifact>>
  stale: boolean
}

function newPass(): Pass {
  return { known: new Map(), artifacts: new Map(), computed: new Map(), stale: false }
}

function once<K, T>(map: Map<K, Promise<T>>, key: K, make: () => Promise<T>): Promise<T> {
  const known = map.get(key)
  if (known) return known
  const made = make()
  map.set(key, made)
  return made
}

/** Keeps the bound. A run that is finished does not fail for it. */
async function trim(store: Store, emit: (event: Event) => void): Promise<void> {
  try {
    await store.trim()
  } catch (error) {
    const message = `the store could not be tidied: ${(error as Error).message}`
    emit({ type: 'warning', diagnostic: { code: 'NOTE', message, severity: 'warning' } })
  }
}

function secondsSince(began: number): number {
  return (performance.now() - began) / 1000
}

import type { Digest } from '../util/digest.ts'
import type { Json, JsonObject } from '../util/json.ts'
import type { Event } from './event.ts'

/**
 * One node of the plan. `params` holds only what the stage reads, `needs` the stages whose artifacts it
 * reads, by the name the stage calls them.
 */
export interface Stage {
  /** Unique in the plan and stable: `pixels:train`. */
  readonly id: string
  readonly kind: string
  readonly params: JsonObject
  /** `index`, or `index#train.labels.json`: then only that file of the artifact enters the fingerprint. */
  readonly needs: Readonly<Record<string, string>>
  /** Only where the stage draws random numbers. */
  readonly seed?: number | undefined
  /** What the numbers depend on beyond params: engine, threads, decoder version. */
  readonly numerics?: JsonObject | undefined
  /** Not part of the fingerprint: what only changes how fast (batch size of a feature pass), absolute paths of sources, and the like. */
  readonly hints?: JsonObject | undefined
  /** Where the params come from, for `why`: dotted key of the pipeline file -> position text. */
  readonly reads?: readonly string[] | undefined
}

/** What decides whether a stage must run; kept whole beside the artifact, so that `why` can compare two. */
export interface FingerprintDocument {
  readonly kind: string
  /** Of the stage kind, raised by hand when its output changes. */
  readonly version: number
  readonly params: JsonObject
  /** Content digests of the upstream outputs, by input name: an upstream rerun with equal output stops the ripple. */
  readonly inputs: Readonly<Record<string, Digest>>
  readonly seed?: number
  readonly numerics?: JsonObject
}

/** A finished stage's output: a read-only folder, whole or absent. */
export interface Artifact {
  readonly fingerprint: Digest
  /** Of the content: sorted (relative POSIX path, size, sha256). */
  readonly digest: Digest
  /** Absolute; never written to. */
  readonly path: string
  readonly bytes: number
  /** Of the files at the top of a small artifact, by name: what `stage#file` in `needs` refers to. */
  readonly parts?: Readonly<Record<string, Digest>> | undefined
}

export interface StageContext {
  readonly stage: Stage
  readonly params: JsonObject
  readonly hints: JsonObject
  readonly inputs: Readonly<Record<string, Artifact>>
  /** An empty folder that becomes the artifact when `run` returns. */
  readonly out: string
  /** A folder of this fingerprint that survives a crash: checkpoints, partial downloads. Removed on success. */
  readonly work: string
  /** Forced or restarted: nothing that earlier work left is to be used, not even from `state`. */
  readonly fresh: boolean
  /** A folder that all stages of this kind share and that outlives them; `probe` gets the same. Only ever a cache. */
  readonly state: string
  /** Keeps a few small facts with the result, for `accept` and for plans; the last call counts. */
  readonly remember: (facts: JsonObject) => void
  readonly emit: (event: Event) => void
  /** Aborted by Ctrl-C; a stage that stops because of it throws `signal.reason`. */
  readonly signal: AbortSignal
}

/** One literal a kind, in `src/stages/table.ts`. */
export interface StageKind {
  readonly kind: string
  readonly version: number
  /** One line for `plan` and the docs. */
  readonly describe: string
  /**
   * Asked once each time: for a stage that looks at the world outside (a folder of pictures). Returns a digest of what
   * is there now, which enters the fingerprint as input `source`. Asked again after `run`: an answer that differs
   * fails the stage, since its output would be recorded for what is no longer there.
   */
  readonly probe?: (
    stage: Stage,
    context: { readonly state: string; readonly signal: AbortSignal },
  ) => Promise<Digest>
  /**
   * Asked before an earlier result is used, with the facts that its `run` remembered: false makes it a miss, and the new
   * result replaces it. For what the fingerprint cannot know, such as the digest that a lock file pins for an
   * address. The artifact itself may be evicted by then, so it is not there to be read.
   */
  readonly accept?: (stage: Stage, facts: JsonObject) => Promise<boolean>
  /** Stages of kinds with the same word here never run at the same time: they would only share what the word names. */
  readonly exclusive?: string | undefined
  readonly run: (context: StageContext) => Promise<void>
  /** Bytes and seconds the stage is expected to take, from the artifacts that are there already; for `plan`. */
  readonly estimate?: (
    stage: Stage,
    inputs: Readonly<Record<string, Artifact | undefined>>,
  ) => Promise<Estimate>
}

export interface Estimate {
  readonly bytes?: number | undefined
  readonly seconds?: number | undefined
  readonly note?: string | undefined
}

export type { Json }

import { rmdirSync } from 'node:fs'
import { statfs } from 'node:fs/promises'
import { failure, PipelineError } from '../util/diagnostic.ts'
import type { Digest } from '../util/digest.ts'
import { diskError, isErrno } from '../util/files.ts'
import type { JsonObject } from '../util/json.ts'
import { bytesText } from '../util/text.ts'
import type { Event } from './event.ts'
import type { Node } from './order.ts'
import type { Warn } from './results.ts'
import type { Artifact, FingerprintDocument, Stage } from './stage.ts'
import type { Store } from './store.ts'

export interface Job {
  readonly store: Store
  readonly document: FingerprintDocument
  readonly fingerprint: Digest
  readonly inputs: Readonly<Record<string, Artifact>>
  /** Drop unfinished work of the fingerprint first. */
  readonly fresh: boolean
  readonly emit: (event: Event) => void
  readonly warn: Warn
  readonly signal: AbortSignal
}

/**
 * Runs one stage into a draft and publishes it. The caller holds the claim on the fingerprint. When it fails the
 * draft goes and the work folder stays.
 * @throws DISK_FULL before it starts when the expected bytes do not fit
 */
export async function computeStage({ stage, kind }: Node, job: Job): Promise<Artifact> {
  const { store, document, fingerprint, inputs, emit, signal } = job
  const began = performance.now()
  const estimate = await kind.estimate?.(stage, inputs)
  if (estimate?.bytes !== undefined) await requireSpace(store.root, stage, estimate.bytes)
  const work = await store.work(fingerprint, job.fresh)
  let draft
  let facts: JsonObject | undefined
  try {
    draft = store.draft()
    await kind.run({
      stage,
      params: stage.params,
      hints: stage.hints ?? {},
      inputs,
      out: draft.out,
      work,
      fresh: job.fresh,
      state: store.state(stage.kind),
      remember: (given) => void (facts = given),
      emit,
      signal,
    })
    if (kind.probe) {
      const source = await kind.probe(stage, { state: store.state(stage.kind), signal })
      if (source !== document.inputs['source']) throw changedMeanwhile(stage)
    }
    const seconds = (performance.now() - began) / 1000
    return await store.publish(
      draft,
      { stage: stage.id, document, fingerprint, seconds, facts },
      job.warn,
    )
  } catch (error) {
    // What cannot be removed now is swept when a store is opened next.
    await draft?.discard().catch(() => undefined)
    removeIfEmpty(work)
    throw error
  }
}

/** Whether the error only says that the stage stopped because it was told to. */
export function isStop(error: unknown, signal: AbortSignal): boolean {
  if (!signal.aborted) return false
  for (let e = error, depth = 0; e !== undefined && depth < 10; depth += 1) {
    if (e === signal.reason) return true
    if (!(e instanceof Error)) return false
    if (e.name === 'AbortError') return true
    e = e.cause
  }
  return false
}

/** What a stage threw, for people; `cause` keeps the original where it was not for people. */
export function asStageError(stage: Stage, error: unknown, storeRoot: string): PipelineError {
  const path = (error as { path?: unknown } | undefined)?.path
  // Only in the store does "permission denied" mean that we wanted to write.
  const inStore = typeof path !== 'string' || path.startsWith(storeRoot)
  if (inStore || isErrno(error, 'ENOSPC', 'EDQUOT')) {
    const known = diskError(error, typeof path === 'string' ? path : storeRoot)
    if (known instanceof PipelineError) return known
  }
  if (error instanceof PipelineError) return error
  const message = error instanceof Error ? error.message : String(error)
  return failure('STAGE_FAILED', `stage ${stage.id} failed: ${message}`, { cause: error })
}

async function requireSpace(root: string, stage: Stage, needed: number): Promise<void> {
  const disk = await statfs(root)
  const free = disk.bavail * disk.bsize
  if (needed <= free) return
  throw failure(
    'DISK_FULL',
    `stage ${stage.id} writes about ${bytesText(needed)}, but the disk of ${root} has ${bytesText(free)} free`,
    {
      hint: 'free some space, or `pipeline store gc --max-size`, or put the store elsewhere with --store DIR',
    },
  )
}

function changedMeanwhile(stage: Stage): PipelineError {
  return failure('STAGE_FAILED', `what stage ${stage.id} reads changed while it was read`, {
    hint: 'run it again once nothing else writes there',
  })
}

function removeIfEmpty(folder: string): void {
  try {
    rmdirSync(folder)
  } catch {
    // Something is in it: the next attempt continues there.
  }
}

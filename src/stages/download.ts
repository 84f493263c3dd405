import { copyFile, rename, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { fetchSource } from '../data/sources/fetch.ts'
import { pin, pinned, unpinHint } from '../data/sources/pins.ts'
import { PipelineError } from '../util/diagnostic.ts'
import { diskError, isErrno } from '../util/files.ts'
import { stableJson } from '../util/json.ts'
import type { Expectation, Source, UrlOptions } from '../data/sources/source.ts'
import type { Stage, StageContext, StageKind } from '../graph/stage.ts'
import type { Digest } from '../util/digest.ts'

export type DownloadParams = Source & {
  /** What the pipeline file (or a catalogue) declares: 64 hex digits, with or without `sha256:`. */
  readonly sha256?: string | undefined
  readonly md5?: string | undefined
}

export interface DownloadHints {
  /** The pipeline.lock that pins what is not declared; absolute. */
  readonly lock?: string | undefined
  /** False where nothing may be written to the lock (`plan`); default true. */
  readonly pin?: boolean | undefined
  readonly offline?: boolean | undefined
  readonly url?: UrlOptions | undefined
}

/** What lies beside `content` as about.json. */
export interface DownloadAbout {
  readonly fileName: string
  readonly bytes: number
  readonly sha256: Digest
}

/**
 * Address, package or module of TensorFlow Hub -> `content` and `about.json`. The digest is declared in the params, or pinned by the lock file,
 * or else written to it now. The pin is no param: writing it must not change the fingerprint.
 */
export const DOWNLOAD: StageKind = {
  kind: 'download',
  version: 1,
  describe: 'download and check',
  run: async (context) => {
    const params = context.params as unknown as DownloadParams
    const hints = context.hints as DownloadHints
    const source = sourceOf(params)
    const fetched = await fetchSource(source, {
      signal: context.signal,
      work: context.work,
      offline: hints.offline,
      expect: await expectation(params, hints),
      progress: progressOf(context),
      url: hints.url,
    })
    const { path, fileName, bytes, sha256 } = fetched
    const about: DownloadAbout = { fileName, bytes, sha256 }
    try {
      await move(path, join(context.out, 'content'))
      await writeFile(join(context.out, 'about.json'), stableJson({ ...about }))
    } catch (error) {
      throw diskError(error, context.out)
    }
    context.remember({ sha256 })
    await pinIfNew(context, params, hints, sha256)
  },
  accept: async (stage, { sha256 }) => {
    const params = stage.params as unknown as DownloadParams
    const hints = (stage.hints ?? {}) as DownloadHints
    if (hints.lock === undefined || isDeclared(params)) return true
    const known = await pinned(hints.lock, sourceOf(params))
    if (known !== undefined) return known === sha256
    // Another pipeline fetched it: this one pins it all the same.
    if (hints.pin !== false) await tryPin(hints.lock, stage, sha256 as Digest)
    return true
  },
}

export function sourceOf(params: DownloadParams): Source {
  if ('url' in params) return { url: params.url }
  if ('hub' in params) return { hub: params.hub }
  return 'npm' in params ? { npm: params.npm } : { pypi: params.pypi }
}

function isDeclared({ sha256, md5 }: DownloadParams): boolean {
  return sha256 !== undefined || md5 !== undefined
}

async function expectation(
  params: DownloadParams,
  hints: DownloadHints,
): Promise<Expectation | undefined> {
  const { sha256, md5 } = params
  if (isDeclared(params)) {
    const digest: Digest | undefined =
      sha256 === undefined ? undefined : `sha256:${sha256.replace(/^sha256:/, '').toLowerCase()}`
    const cure = (got: Digest) =>
      `the file at the source has changed, or was changed on the way; if the new one is right, write sha256: ${got.slice(7)}`
    const says = sha256 === undefined ? 'the publisher' : 'the pipeline'
    return { sha256: digest, md5, says, cure }
  }
  if (hints.lock === undefined) return undefined
  const source = sourceOf(params)
  const known = await pinned(hints.lock, source)
  const cure = () => unpinHint(hints.lock!, source)
  return known === undefined ? undefined : { sha256: known, says: hints.lock, cure }
}

async function pinIfNew(
  context: StageContext,
  params: DownloadParams,
  hints: DownloadHints,
  sha256: Digest,
): Promise<void> {
  if (hints.lock === undefined || hints.pin === false || isDeclared(params)) return
  const problem = await tryPin(hints.lock, context.stage, sha256)
  if (problem === undefined) return
  const [diagnostic] = problem.diagnostics
  const warning = { ...diagnostic!, severity: 'warning' as const }
  context.emit({ type: 'warning', stage: context.stage.id, diagnostic: warning })
}

/** A lock file that cannot be written is no reason to lose a download; one that says something else is. */
async function tryPin(
  lock: string,
  stage: Stage,
  sha256: Digest,
): Promise<PipelineError | undefined> {
  try {
    await pin(lock, sourceOf(stage.params as unknown as DownloadParams), sha256)
    return undefined
  } catch (error) {
    const readOnly = error instanceof PipelineError && error.diagnostics[0]?.code === 'NOT_WRITABLE'
    if (!readOnly) throw error
    return error
  }
}

function progressOf(context: StageContext): (done: number, total: number | undefined) => void {
  let told = 0
  return (done, total) => {
    const step = Math.max(2 ** 20, (total ?? 0) / 200)
    if (done !== total && done > told && done - told < step) return
    told = done
    context.emit({ type: 'stageProgress', stage: context.stage.id, done, total, unit: 'bytes' })
  }
}

async function move(from: string, to: string): Promise<void> {
  try {
    await rename(from, to)
  } catch (error) {
    if (!isErrno(error, 'EXDEV')) throw error
    await copyFile(from, to)
    await rm(from, { force: true })
  }
}

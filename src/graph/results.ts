import { mkdirSync, readdirSync, readFileSync, rmSync, utimesSync } from 'node:fs'
import { join } from 'node:path'
import type { Diagnostic } from '../util/diagnostic.ts'
import type { Digest } from '../util/digest.ts'
import { isErrno } from '../util/files.ts'
import { stableJson, type Json, type JsonObject } from '../util/json.ts'
import { fingerprintOf } from './fingerprint.ts'
import { hexOf, writeWhole, type Layout } from './layout.ts'
import type { FingerprintDocument } from './stage.ts'

/** What a stage's computation came to. Kept when the artifact itself has been evicted. */
export interface Result {
  readonly format: 1
  /** The stage id of whoever computed it; other plans may call the same fingerprint otherwise. */
  readonly stage: string
  readonly document: FingerprintDocument
  readonly fingerprint: Digest
  /** Of the content. */
  readonly digest: Digest
  /** Of the files at the top of a small artifact, by name. */
  readonly parts?: Readonly<Record<string, Digest>> | undefined
  readonly bytes: number
  readonly seconds: number
  /** What the stage remembered, for its kind's `accept`. */
  readonly facts?: JsonObject | undefined
  /** ISO 8601, UTC. */
  readonly created: string
}

export type Warn = (diagnostic: Diagnostic) => void

/** The result of the fingerprint. One that does not match its own name is removed with a warning, and a miss. */
export function readResult(
  layout: Layout,
  kind: string,
  fingerprint: Digest,
  readOnly: boolean,
  warn: Warn,
): Result | undefined {
  const path = layout.result(kind, fingerprint)
  const result = parseResult(path)
  if (result === 'none') return undefined
  if (result !== 'broken' && result.fingerprint === fingerprint) {
    if (!readOnly) touch(path)
    return result
  }
  if (!readOnly) rmSync(path, { force: true })
  warn({
    code: 'STORE_DAMAGED',
    message: `the result ${path} was damaged; it is computed again`,
    severity: 'warning',
  })
  return undefined
}

/**
 * The newest readable results of a kind, newest first; each file is read once in a process, so that a sweep of a
 * thousand trials can ask a thousand times.
 */
export function openHistory(layout: Layout): (kind: string) => readonly Result[] {
  const known = new Map<string, Result | undefined>()
  return (kind) => {
    const folder = join(layout.results, kind)
    return namesIn(folder)
      .flatMap((name) => {
        const path = join(folder, name)
        if (!known.has(path)) {
          const result = parseResult(path)
          known.set(path, typeof result === 'object' ? result : undefined)
        }
        return known.get(path) ?? []
      })
      .sort((a, b) => (a.created < b.created ? 1 : -1))
      .slice(0, HISTORY)
  }
}

const HISTORY = 256

export async function writeResult(layout: Layout, result: Result): Promise<void> {
  const path = layout.result(result.document.kind, result.fingerprint)
  await writeWhole(layout, path, stableJson(result as unknown as Json))
}

/** The result in the file; it is `broken` unless it belongs to the fingerprint that names the file. */
export function parseResult(path: string): Result | 'none' | 'broken' {
  let text
  try {
    text = readFileSync(path, 'utf8')
  } catch (error) {
    if (isErrno(error, 'ENOENT', 'ENOTDIR')) return 'none'
    throw error
  }
  try {
    const result = JSON.parse(text) as Result
    const whole =
      result.format === 1 &&
      path.endsWith(`${hexOf(result.fingerprint)}.json`) &&
      fingerprintOf(result.document) === result.fingerprint &&
      /^sha256:[0-9a-f]{64}$/.test(result.digest)
    return whole ? result : 'broken'
  } catch {
    return 'broken'
  }
}

/** Marks it as used, for the bound on their number. */
function touch(path: string): void {
  try {
    utimesSync(path, new Date(), new Date())
  } catch {
    // Removed by a collection in this moment: the result was read all the same.
  }
}

export function namesIn(folder: string): string[] {
  try {
    return readdirSync(folder)
  } catch (error) {
    if (isErrno(error, 'ENOENT')) return []
    throw error
  }
}

export function ensureFolder(path: string): string {
  mkdirSync(path, { recursive: true })
  return path
}

import { createHash } from 'node:crypto'
import { failure } from '../../util/diagnostic.ts'
import { hubHandle } from './hub.ts'
import type { Digest } from '../../util/digest.ts'
import type { PipelineError } from '../../util/diagnostic.ts'

/** Where bytes come from that are not on this machine. */
export type Source =
  /** https only. */
  | { readonly url: string }
  /** `name@version` or `@scope/name@version`. */
  | { readonly npm: string }
  /** `name==version`. */
  | { readonly pypi: string }
  /** A module of TensorFlow Hub or of Kaggle: see hub.ts for its forms. */
  | { readonly hub: string }

export interface FetchOptions {
  readonly signal: AbortSignal
  /** A folder that outlives a failure, so that the next try goes on where this one stopped. */
  readonly work: string
  readonly progress?: ((done: number, total: number | undefined) => void) | undefined
  /** Throws OFFLINE instead of using the network. */
  readonly offline?: boolean | undefined
  /** What the bytes must have, where it is known. */
  readonly expect?: Expectation | undefined
  /** Default 100 GB. */
  readonly maxBytes?: number | undefined
  readonly url?: UrlOptions | undefined
}

export interface Expectation {
  readonly sha256?: Digest | undefined
  /** 32 hex digits: some publishers give no better. */
  readonly md5?: string | undefined
  /** Who says so, for the message: `dataset.source.sha256`, `pipeline.lock`. */
  readonly says: string
  /** What to do when the bytes differ and the new ones are right. */
  readonly cure: (got: Digest) => string
}

/** Patience of the network code; tests shorten it. */
export interface UrlOptions {
  /** Tries in a row that bring nothing; default 5. */
  readonly tries?: number | undefined
  /** Milliseconds before the second try, doubled each time; default 500. */
  readonly retryDelay?: number | undefined
  /** Milliseconds without a byte; default 60,000. */
  readonly stall?: number | undefined
  /** Certificate authorities to trust beside the system's (PEM). */
  readonly ca?: string | undefined
}

export interface Fetched {
  /** Inside `work`; to be moved away. */
  readonly path: string
  readonly fileName: string
  readonly bytes: number
  readonly sha256: Digest
}

const NPM = /^(@[a-z0-9~-][\w.~-]*\/)?[a-z0-9~][\w.~-]*@[\w.+~^-]+$/
const PYPI = /^[A-Za-z0-9][\w.-]*==[\w.!+-]+$/

/** Refuses what a client would read as an option, a path, an address or a git repository. */
export function checkPackage(kind: 'npm' | 'pypi', name: string): void {
  if ((kind === 'npm' ? NPM : PYPI).test(name)) return
  const form = kind === 'npm' ? 'name@version' : 'name==version'
  throw failure('WRONG_VALUE', `${kind}: ${JSON.stringify(name)} is not of the form ${form}`, {
    hint: 'name the exact version, so that the same bytes come every time',
  })
}

/** Nothing but https: what comes is unpacked and read. */
export function checkUrl(url: string): void {
  const protocol = URL.canParse(url) ? new URL(url).protocol : undefined
  if (protocol === 'https:') return
  throw failure('WRONG_VALUE', `${JSON.stringify(url)} is not an https address`, {
    hint: 'use https://…, or {path: …} for a file of this machine',
  })
}

/** One line that identifies the source, without user, password or the values of the query. */
export function sourceName(source: Source): string {
  if ('npm' in source) return `npm:${source.npm}`
  if ('pypi' in source) return `pypi:${source.pypi}`
  if ('hub' in source) return hubHandle(source.hub)
  return shownUrl(source.url)
}

/** The key in pipeline.lock: as `sourceName`, with a digest of the query in place of it, which may be secret. */
export function sourceKey(source: Source): string {
  if (!('url' in source)) return sourceName(source)
  const query = new URL(source.url).search
  if (query === '') return shownUrl(source.url)
  return `${shownUrl(source.url)}?${createHash('sha256').update(query).digest('hex').slice(0, 12)}`
}

/** For messages and files: scheme, host and path. */
export function shownUrl(url: string | URL): string {
  const { protocol, host, pathname } = new URL(url)
  return `${protocol}//${host}${pathname}`
}

export function offlineError(source: Source): PipelineError {
  return failure('OFFLINE', `${sourceName(source)} is not in the store and would be downloaded`, {
    hint: 'run once without --offline',
  })
}

import { createHash } from 'node:crypto'
import { createReadStream } from 'node:fs'
import { mkdir, rm } from 'node:fs/promises'
import { failure } from '../../util/diagnostic.ts'
import { checkUrl, offlineError, sourceName } from './source.ts'
import type { Digest } from '../../util/digest.ts'
import type { Expectation, Fetched, FetchOptions, Source } from './source.ts'

/**
 * Brings the bytes of a source onto this machine and checks them. Throws OFFLINE, DOWNLOAD_FAILED, TOOL_MISSING (no
 * npm or pip), DIGEST_MISMATCH, a disk diagnostic, or `signal.reason` when aborted.
 */
export async function fetchSource(source: Source, options: FetchOptions): Promise<Fetched> {
  if ('url' in source) checkUrl(source.url)
  if (options.offline === true) throw offlineError(source)
  await mkdir(options.work, { recursive: true })
  if ('npm' in source || 'pypi' in source) {
    const { fetchPackage } = await import('./packages.ts')
    const file = await fetchPackage(source, options)
    return check(source, file.path, file.fileName, options)
  }
  const { dropPartial, fetchUrl } = await import('./url.ts')
  const fileName = fileNameOf(source.url)
  const first = await fetchUrl(source.url, options)
  try {
    return await check(source, first.path, fileName, options)
  } catch (error) {
    await dropPartial(options.work)
    // Put together from several requests, it may be a mix of two versions: once more in one piece.
    if (!first.resumed) throw error
    const { path } = await fetchUrl(source.url, options)
    return await check(source, path, fileName, options)
  }
}

async function check(
  source: Source,
  path: string,
  fileName: string,
  { expect, signal }: FetchOptions,
): Promise<Fetched> {
  const sha = createHash('sha256')
  const md5 = createHash('md5')
  let bytes = 0
  for await (const chunk of createReadStream(path, { highWaterMark: 1 << 20 })) {
    signal.throwIfAborted()
    bytes += (chunk as Buffer).length
    sha.update(chunk as Buffer)
    if (expect?.md5 !== undefined) md5.update(chunk as Buffer)
  }
  const sha256: Digest = `sha256:${sha.digest('hex')}`
  if (expect?.sha256 !== undefined && expect.sha256 !== sha256) {
    await rm(path, { force: true })
    throw mismatch(source, expect, expect.sha256, sha256, sha256)
  }
  const got = md5.digest('hex')
  if (expect?.md5 !== undefined && expect.md5 !== got) {
    await rm(path, { force: true })
    throw mismatch(source, expect, `md5:${expect.md5}`, `md5:${got}`, sha256)
  }
  return { path, fileName, bytes, sha256 }
}

function mismatch(source: Source, expect: Expectation, old: string, got: string, sha256: Digest) {
  const message = `${sourceName(source)} has other bytes: got ${got}, ${expect.says} says ${old}`
  return failure('DIGEST_MISMATCH', message, { hint: expect.cure(sha256) })
}

/** The last part of the address's path, as a name that is safe on any file system. */
function fileNameOf(url: string): string {
  const last = new URL(url).pathname.split('/').at(-1) ?? ''
  let name = last
  try {
    name = decodeURIComponent(last)
  } catch {
    // A stray % in an address: the name stays as it is written.
  }
  return name.replace(/[^\w.@+ -]/g, '_').replace(/^\.+/, '') || 'download'
}

import { createHash } from 'node:crypto'
import { createReadStream } from 'node:fs'
import { rm } from 'node:fs/promises'
import { failure } from '../../util/diagnostic.ts'
import { sourceName } from './source.ts'
import { dropPartial, fetchUrl } from './url.ts'
import type { Digest } from '../../util/digest.ts'
import type { Expectation, Fetched, FetchOptions, Source } from './source.ts'

/** The bytes of one address, checked; `fileName` is what they are called from now on. Throws as `fetchSource`. */
export async function fetchAddress(
  source: { readonly url: string },
  fileName: string,
  options: FetchOptions,
): Promise<Fetched> {
  const first = await fetchUrl(source.url, options)
  try {
    return await checkFetched(source, first.path, fileName, options)
  } catch (error) {
    await dropPartial(options.work)
    // Put together from several requests, it may be a mix of two versions: once more in one piece.
    if (!first.resumed) throw error
    const { path } = await fetchUrl(source.url, options)
    return await checkFetched(source, path, fileName, options)
  }
}

/** Digests a file that was fetched, and compares. Throws DIGEST_MISMATCH; the file is then gone. */
export async function checkFetched(
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

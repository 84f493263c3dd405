import { EnvHttpProxyAgent, request } from 'undici'
import { failure } from '../../util/diagnostic.ts'
import { shownUrl } from './source.ts'
import type { Dispatcher } from 'undici'
import type { UrlOptions } from './source.ts'

export interface Answer {
  readonly status: number
  readonly header: (name: string) => string | undefined
  readonly body: AsyncIterable<Uint8Array>
  /** Reads on to the end, or hangs up: an answer must not be left open. */
  readonly drop: () => Promise<void>
}

export interface Client {
  readonly get: (
    url: string,
    headers: Readonly<Record<string, string>>,
    signal: AbortSignal,
  ) => Promise<Answer>
  readonly close: () => Promise<void>
}

const REDIRECTS: ReadonlySet<number> = new Set([301, 302, 303, 307, 308])
const MAX_REDIRECTS = 5
const CONNECT_MS = 20_000

/** https with the proxies of the environment (HTTPS_PROXY, NO_PROXY). One client serves all tries of a download. */
export function openClient({ ca, stall = 60_000 }: UrlOptions): Client {
  const tls = { timeout: Math.min(CONNECT_MS, stall * 2), ...(ca === undefined ? {} : { ca }) }
  const agent = new EnvHttpProxyAgent({
    connect: tls,
    requestTls: tls,
    headersTimeout: stall,
    bodyTimeout: stall,
  })
  return {
    get: (url, headers, signal) => follow(agent, url, headers, signal),
    close: () => agent.destroy(),
  }
}

/** Up to five redirects, each to https; user and password of the address go to its own host only. */
async function follow(
  dispatcher: Dispatcher,
  address: string,
  headers: Readonly<Record<string, string>>,
  signal: AbortSignal,
): Promise<Answer> {
  const first = new URL(address)
  let url = first
  for (let hop = 0; ; hop += 1) {
    const { username, password } = url
    const own = url.host === first.host && (username !== '' || first.username !== '')
    const [user, pass] = username !== '' ? [username, password] : [first.username, first.password]
    const login = `${decodeURIComponent(user)}:${decodeURIComponent(pass)}`
    const answer = await request(`${url.origin}${url.pathname}${url.search}`, {
      dispatcher,
      signal,
      headers: {
        'user-agent': 'graft',
        // Bytes as they are: a range of a compressed transfer would not fit the file.
        'accept-encoding': 'identity',
        ...headers,
        ...(own ? { authorization: `Basic ${Buffer.from(login).toString('base64')}` } : {}),
      },
    })
    const location = one(answer.headers['location'])
    if (!REDIRECTS.has(answer.statusCode) || location === undefined) return toAnswer(answer)
    await answer.body.dump()
    if (hop === MAX_REDIRECTS) {
      throw failure('DOWNLOAD_FAILED', `${shownUrl(address)} redirects more than 5 times`, {
        hint: 'give the address that it leads to in the end',
      })
    }
    url = nextHop(address, url, location)
  }
}

function nextHop(address: string, from: URL, location: string): URL {
  const next = URL.canParse(location, from.href) ? new URL(location, from) : undefined
  if (next?.protocol === 'https:') return next
  const where = next === undefined ? 'no address' : shownUrl(next)
  throw failure(
    'DOWNLOAD_FAILED',
    `${shownUrl(address)} redirects to ${where}, which is not https`,
    {
      hint: 'give an address that stays on https, or download the file yourself and use {path: …}',
    },
  )
}

function toAnswer(answer: Dispatcher.ResponseData): Answer {
  return {
    status: answer.statusCode,
    header: (name) => one(answer.headers[name]),
    body: answer.body as AsyncIterable<Uint8Array>,
    drop: async () => {
      answer.body.on('error', () => undefined).destroy()
    },
  }
}

function one(value: string | string[] | undefined): string | undefined {
  return Array.isArray(value) ? value[0] : value
}

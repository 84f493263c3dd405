import { randomBytes } from 'node:crypto'
import type { MiddlewareHandler } from 'hono'

/** What a request has passed through before a route sees it. */
export interface Guarded {
  readonly Variables: {
    /** Of the styles and the script of this one page. */
    nonce: string
  }
}

/**
 * What every answer has: nothing of it may be framed, kept, guessed at, or read by other sites. There is no header of CORS, so
 * that pages of others get nothing.
 */
const HEADERS: Readonly<Record<string, string>> = {
  'Cache-Control': 'no-store',
  'X-Content-Type-Options': 'nosniff',
  'X-Frame-Options': 'DENY',
  'Referrer-Policy': 'no-referrer',
  'Cross-Origin-Opener-Policy': 'same-origin',
  'Cross-Origin-Resource-Policy': 'same-origin',
}

/** Of files of run folders, which others may have made: they may do nothing. */
export const FILE_POLICY = "default-src 'none'; style-src 'unsafe-inline'; sandbox"

/** Drawings and bars have their lengths and colours in attributes; elements need the nonce. */
function pagePolicy(nonce: string): string {
  return [
    "default-src 'none'",
    `script-src 'nonce-${nonce}'`,
    `style-src 'nonce-${nonce}'`,
    "style-src-attr 'unsafe-inline'",
    "img-src 'self' data:",
    "connect-src 'self'",
    "form-action 'self'",
    "base-uri 'none'",
    "frame-ancestors 'none'",
  ].join('; ')
}

/** The names that this machine has for itself, with the port: any other is that of a site whose name was made to lead here. */
export function isOwnHost(host: string | undefined, port: number): boolean {
  const names = ['localhost', '127.0.0.1', '[::1]']
  const lower = host?.toLowerCase()
  return names.some((name) => lower === `${name}:${port}` || (port === 80 && lower === name))
}

/** A site that has others' pages ask here gets no answer; following a link from there is fine. */
function isForeign(site: string | undefined, mode: string | undefined): boolean {
  return (site === 'cross-site' || site === 'same-site') && mode !== 'navigate'
}

export type Refusal = 'host' | 'method' | 'site'

/** Refuses before anything is read: other names than this machine's, other sites, and whatever is not to read. */
export function guard(
  port: () => number,
  refuse: (why: Refusal, nonce: string) => string,
): MiddlewareHandler<Guarded> {
  return async (context, next) => {
    const nonce = randomBytes(16).toString('base64')
    context.set('nonce', nonce)
    const { method } = context.req
    const [host, site, mode] = ['host', 'sec-fetch-site', 'sec-fetch-mode'].map((name) =>
      context.req.header(name),
    )
    for (const [name, value] of Object.entries(HEADERS)) context.header(name, value)
    context.header('Content-Security-Policy', pagePolicy(nonce))
    if (!isOwnHost(host, port())) return context.html(refuse('host', nonce), 403)
    if (isForeign(site, mode)) return context.html(refuse('site', nonce), 403)
    if (method !== 'GET' && method !== 'HEAD') {
      return context.html(refuse('method', nonce), 405, { Allow: 'GET, HEAD' })
    }
    await next()
    return undefined
  }
}

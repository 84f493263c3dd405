import { readFileSync } from 'node:fs'
import { createServer } from 'node:https'
import { join } from 'node:path'
import { ROOT } from './paths.ts'
import type { IncomingMessage, ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'

const CA_FILE = join(ROOT, 'test/fixtures/tls/cert.pem')
/** What clients of the test server must trust. */
export const CA = readFileSync(CA_FILE, 'utf8')
/** The environment of a child process that asks it. */
export const TRUSTING = { NODE_EXTRA_CA_CERTS: CA_FILE, NO_PROXY: '127.0.0.1,localhost' }
const KEY = readFileSync(join(ROOT, 'test/fixtures/tls/key.pem'), 'utf8')

export interface TestServer extends AsyncDisposable {
  readonly port: number
  /** An address of the server; `localhost` and `127.0.0.1` count as two hosts. */
  readonly url: (path: string, host?: string) => string
  /** The requests so far. */
  readonly seen: IncomingMessage[]
}

export type Handler = (request: IncomingMessage, response: ServerResponse, count: number) => void

/** An https server on a free port of this machine; `count` is 1 for the first request. */
export async function serve(handler: Handler): Promise<TestServer> {
  const seen: IncomingMessage[] = []
  const server = createServer({ key: KEY, cert: CA }, (request, response) => {
    seen.push(request)
    handler(request, response, seen.length)
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as AddressInfo
  return {
    port,
    seen,
    url: (path, host = '127.0.0.1') => `https://${host}:${port}${path}`,
    [Symbol.asyncDispose]: async () => {
      server.closeAllConnections()
      await new Promise((resolve) => server.close(resolve))
    },
  }
}

/** Answers as a good file server does: ETag, Range with If-Range, Content-Length. */
export function sendFile(
  request: IncomingMessage,
  response: ServerResponse,
  bytes: Buffer,
  options: { readonly etag?: string; readonly dropAfter?: number } = {},
): void {
  const { etag = '"v1"', dropAfter } = options
  const range = /^bytes=(\d+)-$/.exec(request.headers.range ?? '')
  const start = range !== null && request.headers['if-range'] === etag ? Number(range[1]) : 0
  if (start > 0) {
    response.statusCode = 206
    response.setHeader('content-range', `bytes ${start}-${bytes.length - 1}/${bytes.length}`)
  }
  response.setHeader('etag', etag)
  response.setHeader('content-length', bytes.length - start)
  if (dropAfter === undefined) response.end(bytes.subarray(start))
  else {
    response.write(bytes.subarray(start, start + dropAfter), () => {
      // A moment, so that what was written is on the client's disk: bytes that it has not read yet go with the connection.
      setTimeout(() => response.destroy(), 250)
    })
  }
}

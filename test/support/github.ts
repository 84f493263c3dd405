import { createServer, type IncomingMessage } from 'node:http'
import type { AddressInfo } from 'node:net'

export interface Comment {
  readonly id: number
  body: string
  readonly user: { readonly login: string; readonly type: 'Bot' | 'User' }
}

export interface GitHub extends AsyncDisposable {
  readonly url: string
  /** Of pull request 7. */
  readonly comments: Comment[]
  /** `METHOD path`, as they came. */
  readonly calls: string[]
}

/**
 * Issue comments as GitHub's REST API answers: list (`per_page`, `page`), create, update; 401 for another token, 403 for
 * writes where the token may only read, 422 for a body that is too long.
 */
export async function openGitHub({ token = 'secret', mayWrite = true } = {}): Promise<GitHub> {
  const comments: Comment[] = []
  const calls: string[] = []
  const answer = (request: IncomingMessage, text: string): [status: number, body: unknown] => {
    const { pathname, searchParams } = new URL(request.url!, 'http://github')
    calls.push(`${request.method} ${pathname}`)
    const { authorization, accept } = request.headers
    if (authorization !== `Bearer ${token}`) return [401, { message: 'Bad credentials' }]
    if (accept !== 'application/vnd.github+json') return [415, { message: 'Unsupported' }]
    const isList = pathname === '/repos/o/r/issues/7/comments'
    const id = Number(/^\/repos\/o\/r\/issues\/comments\/(\d+)$/.exec(pathname)?.[1])
    const comment = comments.find((one) => one.id === id)
    if (request.method === 'GET' && isList) {
      const size = Number(searchParams.get('per_page') ?? 30)
      const from = (Number(searchParams.get('page') ?? 1) - 1) * size
      return [200, comments.slice(from, from + Math.min(size, 100))]
    }
    if (!isList && !comment) return [404, { message: 'Not Found' }]
    if (!mayWrite) return [403, { message: 'Resource not accessible by integration' }]
    const { body } = JSON.parse(text) as { body: string }
    if (body.length > 65_536) return [422, { message: 'body is too long' }]
    if (request.method === 'PATCH' && comment) {
      comment.body = body
      return [200, comment]
    }
    const made = { id: 1000 + comments.length, body, user: { login: 'b', type: 'Bot' as const } }
    comments.push(made)
    return [201, made]
  }
  const server = createServer((request, response) => {
    let text = ''
    request.setEncoding('utf8').on('data', (part: string) => void (text += part))
    request.on('end', () => {
      const [status, body] = answer(request, text)
      response.writeHead(status, { 'content-type': 'application/json' })
      response.end(JSON.stringify(body))
    })
  })
  await new Promise<void>((resolve) => void server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as AddressInfo
  return {
    url: `http://127.0.0.1:${port}`,
    comments,
    calls,
    [Symbol.asyncDispose]: () =>
      new Promise((resolve) => {
        server.closeAllConnections()
        server.close(() => resolve())
      }),
  }
}

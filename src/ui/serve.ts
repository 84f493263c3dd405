import type { Server } from 'node:http'
import { createAdaptorServer } from '@hono/node-server'
import { failure } from '../util/diagnostic.ts'
import { isErrno } from '../util/files.ts'

export interface Listening {
  readonly port: number
  /** Ends every connection, streams of events too. */
  close(): Promise<void>
}

type Fetch = (request: Request) => Response | Promise<Response>

/**
 * Listens to this machine alone, by both of its addresses, as browsers take either for `localhost`. Port 0: any that is free.
 * Throws USAGE where the port is another program's.
 */
export async function listen(fetch: Fetch, port: number): Promise<Listening> {
  const first = await opened(fetch, '127.0.0.1', port)
  const taken = portOf(first)
  try {
    const second = await opened(fetch, '::1', taken).catch((error: unknown) => {
      // A machine without IPv6.
      if (isErrno(error, 'EADDRNOTAVAIL', 'EAFNOSUPPORT', 'EINVAL')) return undefined
      throw error
    })
    const servers = second ? [first, second] : [first]
    return { port: taken, close: async () => void (await Promise.all(servers.map(closed))) }
  } catch (error) {
    await closed(first)
    throw error
  }
}

function opened(fetch: Fetch, host: string, port: number): Promise<Server> {
  const server = createAdaptorServer({ fetch }) as Server
  return new Promise((resolve, reject) => {
    server.once('error', (error) => reject(portError(error, port)))
    server.listen({ host, port }, () => resolve(server))
  })
}

function portError(error: Error, port: number): Error {
  if (isErrno(error, 'EADDRINUSE')) {
    return failure('USAGE', `port ${port} is taken by another program`, {
      hint: 'it may be pipeline ui itself, in another terminal; --port 0 takes one that is free',
      cause: error,
    })
  }
  if (isErrno(error, 'EACCES')) {
    return failure('USAGE', `port ${port} is not for everybody to take`, {
      hint: 'take one from 1024 on; --port 0 takes one that is free',
      cause: error,
    })
  }
  return error
}

function portOf(server: Server): number {
  const address = server.address()
  return typeof address === 'object' && address !== null ? address.port : 0
}

function closed(server: Server): Promise<void> {
  return new Promise((resolve) => {
    server.close(() => resolve())
    server.closeAllConnections()
  })
}

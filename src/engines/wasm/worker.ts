import { PipelineError } from '../../util/diagnostic.ts'
import { decodeProgram } from '../../program/serialize.ts'
import type { Session } from '../engine.ts'
import type { Answer, Request } from './messages.ts'
import { openLocalSession } from './session.ts'

/**
 * The whole of a process of the pool: it loads one program, runs what it is sent, and ends with its parent.
 * Ctrl-C reaches every process of the terminal; what becomes of the run is the parent's decision.
 */
process.on('SIGINT', () => {})
process.on('disconnect', () => process.exit())

let session: Session | undefined

async function answer(request: Request): Promise<Answer> {
  if (request.kind === 'load') {
    session = await openLocalSession(decodeProgram(request), { entries: request.entries })
    return { kind: 'loaded' }
  }
  return { kind: 'fetched', fetches: await session!.run(request.entry, request.feeds) }
}

process.on('message', (request: Request) => {
  void answer(request)
    .catch((error: unknown): Answer => {
      const message = error instanceof Error ? (error.stack ?? error.message) : String(error)
      const diagnostics = error instanceof PipelineError ? error.diagnostics : []
      return { kind: 'failed', diagnostics, message, misuse: error instanceof TypeError }
    })
    .then((said) => process.send!(said))
})
